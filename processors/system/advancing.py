"""Advances the domain's clock, in test mode: from one moment at which something is due to the next,
and never on while something still runs.

So what a month would have done is done in the same order, and stamped with the same times, as if
somebody had waited for it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.clock import Clock
from events.errors import NoCultureError
from events.log.progress import LogProgress
from events.store.advances import ahead, move, moved
from events.store.pending import InputMismatch
from events.times import rfc3339
from processors.due import DUE_AT
from processors.wake import CHANNEL, TIMERS

Connection = psycopg.Connection[Any]
LOCK = 7521988
LOOK_S = 0.01
# An advance is given up for now when it has taken so long, or when nothing has moved for so long.
PATIENCE_S, STALLED_S = 120.0, 30.0
FURTHEST = timedelta(days=100 * 365)
# What failed so often goes on by itself or waits for an operator: an advance does not wait for it.
FAILED_COMMAND, FAILED_EFFECT = 5, 3
# Work of an effect that nobody took up within this time is not waited for: nobody may be there to.
TAKEN_WITHIN_S = 2.0
_RUNNING = """
SELECT (SELECT count(*) FROM saga_timers WHERE due_at <= %(now)s AND saga = ANY(%(sagas)s)),
       (SELECT count(*) FROM saga_commands WHERE attempts < %(failed_command)s),
       -- Leased ones are due when their lease is over, failed ones when they are tried again.
       (SELECT count(*) FROM effects WHERE failures < %(failed_effect)s
        AND due_at > clock_timestamp() - make_interval(secs => %(taken_within_s)s)),
       (SELECT coalesce(max(position), 0) FROM events)
"""


class ClockMoving(NoCultureError):
    status, code = 409, "clock-moving"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("The clock is being advanced already: send this again when that is over")


class ClockTooFar(NoCultureError):
    status, code = 422, "clock-too-far"

    def __init__(self, ahead: timedelta) -> None:
        super().__init__(
            f"The clock is {ahead.days} days ahead and may be {FURTHEST.days}: ask for less, or"
            " begin anew in another data folder"
        )


class ClockWaits(NoCultureError):
    """`now` is how far it came, `left_s` what it would still have been advanced by."""

    status, code = 503, "clock-waits"
    retry_after_s = 5

    def __init__(self, now: datetime, left: timedelta, running: _Running) -> None:
        super().__init__(
            f"The clock waits for {running}. Look at `./noculture status` and"
            " `./noculture sagas --stuck`; the same Idempotency-Key, or `left_s`, goes on from here"
        )
        self._now, self._left = now, left

    @property
    def details(self) -> dict[str, object]:
        return {"now": rfc3339(self._now), "left_s": self._left.total_seconds()}


@dataclass(frozen=True, slots=True)
class _Running:
    """Whatever is under way: work in rows, and consumers that have not read all there is."""

    timers: int
    commands: int
    effects: int
    head: int
    behind: tuple[tuple[str, int], ...] = ()

    @property
    def over(self) -> bool:
        return not (self.timers or self.commands or self.effects or self.behind)

    def __str__(self) -> str:
        counted = {"timers": self.timers, "commands": self.commands, "effects": self.effects}
        told = [f"{count} {what}" for what, count in counted.items() if count]
        return ", ".join([*told, *(name for name, _ in self.behind)])


@dataclass(frozen=True, slots=True)
class Advanced:
    """`position` is the head of the log when all had run; `replayed`: nothing was left to move."""

    now: datetime
    position: int
    replayed: bool


class Advancing:
    """`sagas` are those whose timers are fired here; `clock` sees the advances."""

    def __init__(
        self, pool: ConnectionPool, clock: Clock, progress: LogProgress, sagas: Collection[str]
    ) -> None:
        self._pool, self._clock, self._progress = pool, clock, progress
        self._sagas = list(sagas)

    def advance(self, by: timedelta, command_id: str) -> Advanced:
        """Returns once all that fell due has run. The same command again goes on with what was left
        of it.

        Raises ClockMoving (409), InputMismatch, ClockTooFar (422), ClockWaits (503).
        """
        with self._alone() as connection:
            left = self._left(connection, by, command_id)
            replayed, give_up_at = not left, time.monotonic() + PATIENCE_S
            position = self._settle(give_up_at, left)
            while left > timedelta():
                step = min(left, self._until_next_due(connection))
                if step > timedelta():
                    move(connection, command_id, by, step)
                    connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, TIMERS))
                    left -= step
                position = self._settle(give_up_at, left)
            return Advanced(self._clock.now(), position, replayed)

    @contextmanager
    def _alone(self) -> Iterator[Connection]:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            if row is None or not row[0]:
                raise ClockMoving
            try:
                yield connection
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))

    def _left(self, connection: Connection, by: timedelta, command_id: str) -> timedelta:
        before = moved(connection, command_id)
        if before is not None and before[0] != by:
            raise InputMismatch
        left = by - before[1] if before else by
        if (reached := ahead(connection)) + left > FURTHEST:
            raise ClockTooFar(reached)
        return left

    def _until_next_due(self, connection: Connection) -> timedelta:
        """Zero for what has fallen due just now; the longest there is where nothing waits."""
        row = connection.execute(
            f"SELECT min({DUE_AT}) FROM saga_timers WHERE saga = ANY(%s)", (self._sagas,)
        ).fetchone()
        due_at: datetime | None = row[0] if row else None
        if due_at is None:
            return timedelta.max
        return max(due_at - self._clock.now(), timedelta())

    def _settle(self, give_up_at: float, left: timedelta) -> int:
        """Returns, with the head of the log, when nothing runs any more. Raises ClockWaits."""
        seen, moved_at = None, time.monotonic()
        while not (running := self._running()).over:
            if running != seen:
                seen, moved_at = running, time.monotonic()
            if time.monotonic() > min(give_up_at, moved_at + STALLED_S):
                raise ClockWaits(self._clock.now(), left, running)
            time.sleep(LOOK_S)
        return running.head

    def _running(self) -> _Running:
        """Consumers first: if they have read all up to a head that is still the head when no row
        is left, there is nothing under way between a row and an event either.
        """
        positions = [
            (each.name, each.position)
            for each in self._progress.all()
            if each.kind != "projection" and not each.stopped
        ]
        with self._pool.connection() as connection:
            row = connection.execute(
                _RUNNING,
                {
                    "now": self._clock.now(),
                    "sagas": self._sagas,
                    "failed_command": FAILED_COMMAND,
                    "failed_effect": FAILED_EFFECT,
                    "taken_within_s": TAKEN_WITHIN_S,
                },
            ).fetchone()
        assert row is not None
        timers, commands, effects, head = row
        behind = tuple((name, at) for name, at in positions if at < head)
        return _Running(timers, commands, effects, head, behind)
