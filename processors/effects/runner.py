"""Performs effects: lease a row, do the work, commit the outcome command, delete the row."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from commands.handlers import HANDLERS
from commands.unit import CommandContext, Commands
from events.envelope import Recorded
from events.errors import NoCultureError
from events.ids import CommandId
from processors.effects.effect import Effect, Interrupted
from processors.wake import CHANNEL, Wake, pause_s
from schemas.telling import safely

log = logging.getLogger(__name__)
ERROR_PAUSE_S = 0.25
# Short and renewed while the work goes on: after a kill -9 somebody else starts over within this
# time.
LEASE_S = 15
RETRY_S = 2.0
# So many runners gone without a word, and it is the work that kills them.
MAX_LOST_LEASES = 5


class RunnersLost(NoCultureError):
    """The work took its runner with it again and again."""

    status, code = 500, "runners-lost"

    def __init__(self, times: int) -> None:
        super().__init__(f"It stopped whoever worked on it, {times} times: look at its file")


@dataclass(frozen=True, slots=True)
class _Work:
    event_id: str
    position: int
    leases: int
    failures: int

    @property
    def lost(self) -> int:
        """Leases before this one that nobody came back from."""
        return self.leases - 1 - self.failures


class EffectRunner:
    """Any number may run at once, in threads or on machines; a dead one's lease runs out."""

    def __init__(self, effect: Effect, commands: Commands, pool: ConnectionPool, due: Wake) -> None:
        self._effect, self._commands, self._pool, self._due = effect, commands, pool, due

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            seen = self._due.sets
            try:
                if not self.work_one():
                    self._due.wait(seen, pause_s(self._due_in_s()))
            except (psycopg.Error, NoCultureError) as error:
                log.warning("%s will be tried again: %s", self._effect.name, error)
                stop.wait(ERROR_PAUSE_S)

    def work_one(self) -> bool:
        """Perform the work of the lowest rank that is due longest; False when none is."""
        work = self._lease()
        if work is None:
            return False
        event = self._intent(work)
        try:
            if work.lost > MAX_LOST_LEASES:
                raise RunnersLost(work.lost)
            with self._renewed(work):
                outcome = self._effect.perform(event)
        except Interrupted:
            self._hand_back(work)
            return False
        except Exception as error:
            # Whatever the outside world does: it is this work's failure, not the runner's.
            log.warning("%s of %s failed: %s", self._effect.name, event.stream_id, error)
            if work.failures + 1 < self._effect.max_attempts and work.lost <= MAX_LOST_LEASES:
                self._later(work, error)
                return True
            outcome = self._effect.give_up(event, error)
        if outcome is not None:
            self._commit(event, outcome)
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM effects WHERE effect = %s AND event_id = %s",
                (self._effect.name, work.event_id),
            )
        return True

    def _lease(self) -> _Work | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "UPDATE effects SET leases = leases + 1,"
                " due_at = clock_timestamp() + make_interval(secs => %s)"
                " WHERE (effect, event_id) = (SELECT effect, event_id FROM effects"
                " WHERE effect = %s AND due_at <= clock_timestamp()"
                " ORDER BY rank, due_at, position"
                " LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING event_id, position, leases, failures",
                (LEASE_S, self._effect.name),
            ).fetchone()
        return None if row is None else _Work(*row)

    def _due_in_s(self) -> float | None:
        """Until the next work is due or the next lease is over; None where there is none."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float"
                " FROM effects WHERE effect = %s",
                (self._effect.name,),
            ).fetchone()
        return row[0] if row else None

    @contextmanager
    def _renewed(self, work: _Work) -> Iterator[None]:
        """Keep the lease while the block runs; a renewal that fails is tried again in time."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(LEASE_S / 3):
                try:
                    with self._pool.connection() as connection:
                        connection.execute(
                            "UPDATE effects SET"
                            " due_at = clock_timestamp() + make_interval(secs => %s)"
                            " WHERE effect = %s AND event_id = %s",
                            (LEASE_S, self._effect.name, work.event_id),
                        )
                except psycopg.Error as error:
                    log.warning("the lease of %s was not renewed: %s", work.event_id, error)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _intent(self, work: _Work) -> Recorded:
        envelope = self._commands.log.events.after(work.position - 1, 1)[0]
        recorded = self._commands.codec.decode(envelope)
        if recorded is None or recorded.event_id != work.event_id:
            raise LookupError(f"{work.event_id} is not at position {work.position}")
        return recorded

    def _hand_back(self, work: _Work) -> None:
        """As if it had never been taken: whoever runs next begins at once."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE effects SET leases = leases - 1, due_at = clock_timestamp()"
                " WHERE effect = %s AND event_id = %s RETURNING pg_notify(%s, effect)",
                (self._effect.name, work.event_id, CHANNEL),
            )

    def _later(self, work: _Work, error: Exception) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE effects SET error = %s, failures = failures + 1,"
                " due_at = clock_timestamp() + make_interval(secs => %s)"
                " WHERE effect = %s AND event_id = %s",
                (
                    safely(error),
                    RETRY_S * (work.failures + 1),
                    self._effect.name,
                    work.event_id,
                ),
            )

    def _commit(self, event: Recorded, outcome: BaseModel) -> None:
        name = type(outcome).__name__
        _, handler = HANDLERS[name]
        context = CommandContext(
            actor=None,
            tenant=event.tenant,
            command_id=CommandId.derived(self._effect.name, event.event_id),
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
        )
        # The intent is the input: a second performance may measure a hair differently.
        unit = self._commands.unit(context, input={"intent": event.event_id})
        try:
            handler(unit, outcome)
            unit.commit()
        except NoCultureError as refusal:
            if refusal.status >= 500 or refusal.code == "version-conflict":
                raise
            log.info("%s of %s is no longer wanted: %s", name, event.stream_id, refusal)
