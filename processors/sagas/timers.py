"""Fires timers that are due by the domain's clock: each becomes an input of its saga in the
transaction that deletes the timer.

A clock that is set back or forward moves when, never whether or how often (docs/adr/0014).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.ids import CorrelationId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.consumers.batch import is_passing
from processors.pace import longer_pause_s, work_until
from processors.sagas.rows import DueTimer, SagaRows
from processors.sagas.step_batch import Cause, StepBatch
from processors.wake import Wake
from sagas.saga import Saga, TimerFired
from schemas.telling import safely

log = logging.getLogger(__name__)
Connection = psycopg.Connection[Any]
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 600.0
# More than a fault of ours leaves behind in a day.
MAX_ASIDE = 10_000


@dataclass(frozen=True, slots=True)
class _Aside:
    """A timer that could not be fired: how often, when it may be tried again, and why."""

    failures: int
    until: float
    error: str


class Timers:
    """Any number may run at once: a due timer is taken by one (SKIP LOCKED).

    It sleeps until the next one is due; `due` tells it of one that is due sooner.
    """

    def __init__(
        self,
        sagas: Mapping[str, Saga],
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        commands_due: Wake,
        rows: SagaRows | None = None,
        due: Wake | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        # In memory, because a row that is moved would not look overdue any more.
        self._aside: dict[tuple[str, str], _Aside] = {}
        self._due = due or Wake()
        self._sagas, self._store, self._pool, self._codec = sagas, store, pool, codec
        self._commands_due, self._rows = commands_due, rows or SagaRows()

    def run(self, stop: threading.Event) -> None:
        work_until(stop, "timers", self._due, self.fire_one, self._due_in_s)

    @property
    def failing(self) -> str | None:
        """Tells in words which timers cannot be fired; None when all can."""
        aside = list(self._aside.items())
        if not aside:
            return None
        (stream, token), newest = aside[-1]
        return f"{len(aside)} timers cannot be fired, {token:.40} of {stream:.40}: {newest.error}"

    def _due_in_s(self) -> float | None:
        waiting = self._waiting()
        with self._pool.connection() as connection:
            due_in_s = self._rows.timer_due_in_s(
                connection, self._sagas.keys(), self._store.clock.now(), waiting
            )
        soonest = min((self._aside[key].until for key in waiting), default=None)
        if soonest is None:
            return due_in_s
        again_in_s = soonest - self._now()
        return again_in_s if due_in_s is None else min(due_in_s, again_in_s)

    def _waiting(self) -> list[tuple[str, str]]:
        now = self._now()
        return [key for key, aside in self._aside.items() if aside.until > now]

    def fire_one(self) -> bool:
        """Fire the timer that is due longest; False when none is.

        One that its saga cannot digest stays due, where operators see it as overdue, and is tried
        again ever more slowly behind all others. Raises what the database says, and a lost race.
        """
        due: DueTimer | None = None
        waiting, now = self._waiting(), self._store.clock.now()
        try:
            with self._pool.connection() as connection, connection.transaction():
                due = self._rows.take_due_timer(connection, self._sagas.keys(), now, waiting)
                if due is not None:
                    self._fire(connection, due)
        except Exception as error:
            if due is None or is_passing(error):
                raise
            self._put_aside(due, error)
            return True
        if due is None:
            # Timers that were to be tried again and are gone were fired or dropped by others.
            self._aside = {key: self._aside[key] for key in waiting}
            return False
        self._aside.pop((due.stream_id, due.token), None)
        self._store.wake()
        self._commands_due.set()
        return True

    def _fire(self, connection: Connection, due: DueTimer) -> None:
        step_batch = StepBatch(self._sagas[due.saga], self._store, self._codec, self._rows)
        cause = Cause(
            kind="timer",
            name=due.token,
            reference=due.reference,
            tenant=due.tenant,
            correlation_id=due.correlation_id or CorrelationId.derived(due.stream_id),
            causation_id=None,
        )
        step_batch.take(due.stream_id, TimerFired(due.token, due.due_at), cause)
        step_batch.write_rows(connection)
        step_batch.append(connection)

    def _put_aside(self, due: DueTimer, error: Exception) -> None:
        log.warning("%s of %s will be fired again: %s", due.token, due.stream_id, safely(error))
        key = (due.stream_id, due.token)
        before = self._aside.pop(key, None)
        failures = before.failures + 1 if before else 1
        pause_s = longer_pause_s(failures - 1, FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._aside[key] = _Aside(failures, self._now() + pause_s, safely(error))
        while len(self._aside) > MAX_ASIDE:
            del self._aside[next(iter(self._aside))]
