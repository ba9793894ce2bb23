"""Figures of one API process and of the installation behind it, for Prometheus at /metrics.

The counts are one statement, asked when Prometheus asks. Relay, worker and analysis have no port of
their own: what they do is in the database and in their heartbeats, which any API process reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from events.errors import NoCultureError
from runtime.composition import Core

COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
GROUP_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
_WAITING = """
SELECT 'saga_commands' AS kind, 'all' AS name, count(*) FROM saga_commands
UNION ALL SELECT 'saga_commands', 'failing', count(*) FROM saga_commands WHERE attempts > 0
UNION ALL SELECT 'saga_timers', 'all', count(*) FROM saga_timers
UNION ALL SELECT 'saga_timers', 'due', count(*) FROM saga_timers WHERE due_at < %s
UNION ALL SELECT 'effects', effect, count(*) FROM effects GROUP BY effect
"""
_ERASURES = "SELECT state, count(*) FROM views.erasures WHERE state <> 'erased' GROUP BY state"
_STATE = {"running": 1}


class StoreFigures:
    """How this process' appends go: each group commit is one observation."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "noculture_append_seconds",
            "A group commit, from its first statement to its answer",
            buckets=COMMIT_BUCKETS_S,
            registry=registry,
        )
        self._sizes = Histogram(
            "noculture_append_group_size",
            "Appends that shared a transaction",
            buckets=GROUP_BUCKETS,
            registry=registry,
        )
        self._busy = Counter(
            "noculture_store_busy", "Groups that were refused as store-busy", registry=registry
        )

    def group_committed(self, appends: int, seconds: float, busy: bool) -> None:
        """`events.store.group.GroupCommitter` calls it after every group."""
        self._sizes.observe(appends)
        self._seconds.observe(seconds)
        if busy:
            self._busy.inc()


class InstallationFigures(Collector):
    """Queues, pools, sagas, erasures, and the processes that run."""

    def __init__(
        self,
        core: Core,
        stuck: Callable[[], Mapping[str, int]],
        parts: Callable[[], Sequence[Mapping[str, Any]]],
        now: Callable[[], datetime],
    ) -> None:
        self._core, self._stuck, self._parts, self._now = core, stuck, parts, now

    def describe(self) -> Iterable[GaugeMetricFamily]:
        # Registering must not ask a database that may not be there yet.
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "noculture_append_queue", "Appends that wait for a group", self._core.log.waiting
        )
        yield self._pool()
        waiting = _labelled("noculture_waiting", "Work that waits in the database", "kind", "name")
        for row in self._rows(_WAITING, self._now()):
            waiting.add_metric([row[0], row[1]], row[2])
        yield waiting
        yield _counted("noculture_sagas_stuck", "Sagas that need somebody", "reason", self._needy())
        erasures = {state: count for state, count in self._rows(_ERASURES)}
        yield _counted("noculture_erasures_pending", "Erasures not over yet", "state", erasures)
        yield from self._processes()

    def _pool(self) -> GaugeMetricFamily:
        stats = self._core.pool.get_stats()
        family = _labelled("noculture_db_pool", "Connections of this process", "state")
        for state in ("pool_size", "pool_available", "requests_waiting", "requests_errors"):
            family.add_metric([state], stats.get(state, 0))
        return family

    def _processes(self) -> Iterable[GaugeMetricFamily]:
        up = _labelled("noculture_part_up", "1 while it runs and says so", "part")
        lag = _labelled("noculture_part_lag", "Events or pieces of work it is behind", "part")
        for part in self._parts():
            up.add_metric([str(part["name"])], _STATE.get(str(part["state"]), 0))
            if part.get("lag") is not None:
                lag.add_metric([str(part["name"])], float(part["lag"]))
        yield up
        yield lag

    def _needy(self) -> Mapping[str, int]:
        try:
            return self._stuck()
        except NoCultureError:
            return {}

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._core.watching.connection() as connection:
            try:
                return connection.execute(query, values).fetchall()
            except psycopg.errors.UndefinedTable:
                # No worker has built the view yet.
                return []


def _labelled(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, labels=labels)


def _counted(name: str, help_: str, label: str, counts: Mapping[str, int]) -> GaugeMetricFamily:
    family = _labelled(name, help_, label)
    for each, count in counts.items():
        family.add_metric([each], count)
    return family
