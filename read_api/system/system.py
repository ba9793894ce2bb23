"""The state of the installation itself: readiness, metrics, and what the operator's page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from psycopg_pool import ConnectionPool

from events.log.progress import ConsumerProgress
from read_api.views import Views
from schemas.doubles import Mode
from schemas.system.dto import ConsumerDto, DeadLetterDto, PartDto, SystemDto

MAX_DEAD_LETTERS = 200
# Answers None when all is well, else what is wrong.
Check = Callable[[], str | None]
ListedParts = Callable[[], Sequence[Mapping[str, Any]]]


class LogState(Protocol):
    """`events.log.progress.LogProgress`"""

    def relayed(self) -> int: ...

    def put_aside(self) -> Mapping[str, int]: ...

    def all(self) -> Sequence[ConsumerProgress]: ...


class SystemQueries:
    """`head()` is the log's last position, `parts()` the processes as in `status --json`, `mode`
    says of each outside service whether it is a double.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        log: LogState,
        head: Callable[[], int],
        parts: ListedParts,
        mode: Mapping[str, Mode],
    ) -> None:
        self._views, self._log, self._head, self._parts = Views(pool), log, head, parts
        self.mode = mode

    def state(self) -> SystemDto:
        return SystemDto(
            head=self._head(),
            relayed=self._log.relayed(),
            consumers=self.consumers(),
            parts=[PartDto.model_validate(dict(part)) for part in self._parts()],
            dead_letters=self._dead_letters(),
            **self.mode,
        )

    def consumers(self) -> list[ConsumerDto]:
        return [
            ConsumerDto(**{name: getattr(each, name) for name in ConsumerDto.model_fields})
            for each in self._log.all()
        ]

    def position(self) -> tuple[int, int]:
        """(head, R)"""
        return self._head(), self._log.relayed()

    def put_aside(self) -> Mapping[str, int]:
        """How many records of each topic are not the relay's."""
        return self._log.put_aside()

    def _dead_letters(self) -> list[DeadLetterDto]:
        """Lists what parked each stream, newest first, and how many events wait behind it."""
        rows = self._views.rows(
            "SELECT p.consumer, p.stream_id, p.position, l.type, p.error, p.parked_at,"
            " (SELECT count(*) FROM dead_letters w WHERE w.consumer = p.consumer"
            "   AND w.stream_id = p.stream_id AND w.state = 'parked') AS waiting"
            " FROM parked_streams p LEFT JOIN dead_letters l USING (consumer, position)"
            " ORDER BY p.parked_at DESC, p.consumer, p.stream_id LIMIT %(limit)s",
            {"limit": MAX_DEAD_LETTERS},
        )
        return [DeadLetterDto(**row) for row in rows]


def consumers_running(log: LogState, views: Iterable[str]) -> str | None:
    """A readiness check: the `views` exist, no consumer waits for somebody."""
    known = {each.name: each.stopped for each in log.all()}
    missing = [f"{name}: not built yet" for name in views if name not in known]
    stopped = [f"{name}: {reason}" for name, reason in known.items() if reason]
    return "; ".join(missing + stopped) or None


def failing(checks: Mapping[str, Check]) -> dict[str, str]:
    """Lists what is not ready, by name. A check that raises is the last; its inside is not told."""
    reasons: dict[str, str] = {}
    for name, check in checks.items():
        try:
            reason = check()
        except Exception as error:
            # No check follows: the others would wait for the same database, 40 s in all.
            return reasons | {name: f"the check failed: {type(error).__name__}"}
        if reason is not None:
            reasons[name] = reason
    return reasons
