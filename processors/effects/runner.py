"""Performs effects: lease a row of any of them, do the work, commit the outcome command, delete the
row.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from commands.command import Command
from commands.forwarding import Handlers
from commands.outcomes import keep
from commands.unit import CommandContext, Commands, Unit
from events.envelope import Recorded
from events.errors import NoCultureError
from events.ids import CommandId
from events.model import Event
from processors.consumers.batch import is_passing
from processors.due import DUE_IN_S, one_more
from processors.effects.caps import Caps
from processors.effects.effect import Interrupted
from processors.pace import work_until
from processors.wake import CHANNEL, Wake
from schemas.telling import safely
from schemas.text import storable

log = logging.getLogger(__name__)
# Short and renewed while the work goes on: after a kill -9 somebody else starts over within this
# time.
LEASE_S = 15
RETRY_S = 2.0
MAX_RETRY_S = 600.0
# These statuses refuse an outcome because its subject is gone, ended or decided; any other one says
# that the outcome is wrong, and is not dropped. Answers that an effect keeps are never dropped.
NO_LONGER_WANTED = (404, 409, 410)
_OF_LEASE = "effect = %s AND event_id = %s AND leases = %s"
# The effect first, then its row, for the index on (effect, rank, due_at) has the first row of each.
# With 200,000 rows due that is 0.6 ms; one query over all effects reads and sorts them for 175 ms.
_LEASE = f"""
UPDATE effects SET leases = {one_more("leases")},
       failures = least(greatest(failures, 0), greatest(leases, 0)),
       due_at = clock_timestamp() + make_interval(secs => %s)
WHERE (effect, event_id) = (
    SELECT effect, event_id FROM effects
    WHERE effect = (
        SELECT first.effect FROM unnest(%s::text[]) AS name, LATERAL (
            SELECT effect, rank, due_at, position FROM effects
            WHERE effect = name AND due_at <= clock_timestamp()
            ORDER BY rank, due_at, position LIMIT 1
        ) AS first
        ORDER BY first.rank, first.due_at, first.position LIMIT 1
    ) AND due_at <= clock_timestamp()
    ORDER BY rank, due_at, position LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING effect, event_id, position, leases, failures
"""
# When so many runners have died on it without a word, the work itself kills them.
MAX_LOST_LEASES = 5


class RunnersLost(NoCultureError):
    """The work took its runner with it again and again."""

    status, code = 500, "runners-lost"

    def __init__(self, times: int) -> None:
        super().__init__(f"It stopped whoever worked on it, {times} times: look at its file")


class NoIntent(NoCultureError):
    """The row speaks of an event that is not where it says, or that does not want this effect."""

    status, code = 500, "no-intent"

    def __init__(self) -> None:
        super().__init__(
            "The event that wants this is not at its place, or this worker does not know it:"
            " upgrade the worker, or look at the log there"
        )


class NoAnswer(NoCultureError):
    """A mistake of ours: the effect keeps its answers, and gave none that it has declared."""

    status, code = 500, "no-answer"

    def __init__(self, effect: str) -> None:
        super().__init__(f"The effect {effect} must answer with one of its `outcomes`: correct it")


class _NotCommitted(Exception):
    """The database was away, the store busy, a race lost, or a newer program wrote the stream."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Work:
    """`leases` names this lease: the next one has another number."""

    effect: str
    event_id: str
    position: int
    leases: int
    failures: int

    @property
    def lost(self) -> int:
        """Leases before this one that nobody came back from."""
        return self.leases - 1 - self.failures


class EffectRunner:
    """Any number may run at once, in threads or on machines; a dead one's lease runs out.

    Those of one process share `caps`, which has the effects that they perform. Work of any other
    effect is left to whoever knows it.
    """

    def __init__(
        self,
        caps: Caps,
        commands: Commands,
        handlers: Handlers,
        pool: ConnectionPool,
        due: Wake,
    ) -> None:
        self._caps, self._commands, self._handlers = caps, commands, handlers
        self._pool, self._due = pool, due

    def run(self, stop: threading.Event) -> None:
        work_until(stop, "a runner of effects", self._due, self.work_one, self._due_in_s)

    def work_one(self) -> bool:
        """Perform the work of the lowest rank that is due longest, among effects that are below
        their caps; False when none is.

        Work that cannot be read, or whose outcome is not taken, stays with its error and comes
        again, ever more slowly: it is never given up as if nothing had been done. Raises what the
        database says.
        """
        work = self._caps.take(self._lease)
        if work is None:
            return False
        try:
            return self._work(work)
        finally:
            self._caps.end(work)

    def _work(self, work: _Work) -> bool:
        """False where it was interrupted: this process is about to end."""
        try:
            event = self._intent(work)
        except Exception as error:
            self._later(work, error)
            return True
        try:
            self._commit(work, event, self._outcome(work, event))
        except Interrupted:
            self._hand_back(work)
            return False
        except _NotCommitted as error:
            self._put_off(work, error.cause)
        except Exception as error:
            # Any error of the outside world is a failure of this work, not of the runner.
            self._later(work, error)
        else:
            self._end(work)
        return True

    def _outcome(self, work: _Work, event: Recorded) -> Command | Event | None:
        """Answers the outcome of the performance or, after the last attempt, of giving up."""
        effect = self._caps[work.effect]
        try:
            if work.lost > MAX_LOST_LEASES:
                raise RunnersLost(work.lost)
            with self._renewed(work):
                return effect.perform(event)
        except Interrupted:
            raise
        except Exception as error:
            if work.failures + 1 < effect.max_attempts and work.lost <= MAX_LOST_LEASES:
                raise
            log.warning("%s of %s is given up: %s", work.effect, event.stream_id, error)
            return effect.give_up(event, error)

    def _lease(self, effects: Sequence[str]) -> _Work | None:
        with self._pool.connection() as connection:
            row = connection.execute(_LEASE, (LEASE_S, list(effects))).fetchone()
        return None if row is None else _Work(*row)

    def _due_in_s(self) -> float | None:
        """Until the next work is due or the next lease is over, of effects that are below their
        caps; None where there is none.
        """
        if not (free := self._caps.free()):
            return None
        with self._pool.connection() as connection:
            row = connection.execute(
                f"SELECT {DUE_IN_S} FROM effects WHERE effect = ANY(%s)", (free,)
            ).fetchone()
        return row[0] if row else None

    @contextmanager
    def _renewed(self, work: _Work) -> Iterator[None]:
        """Keep the lease while the block runs; a renewal that fails is tried again in time."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(LEASE_S / 3):
                try:
                    self._update(
                        work, "due_at = clock_timestamp() + make_interval(secs => %s)", LEASE_S
                    )
                except Exception as error:
                    # Whatever it is: without a lease somebody else would begin beside us.
                    log.warning("the lease of %s was not renewed: %s", work.event_id, error)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _intent(self, work: _Work) -> Recorded:
        """Raises NoIntent, or what the event's decoding does: a newer version waits for it."""
        found = self._commands.log.events.after(work.position - 1, 1)
        if not found or found[0].event_id != work.event_id:
            raise NoIntent
        recorded = self._commands.codec.decode(found[0])
        if recorded is None or not self._caps[work.effect].wants(recorded):
            raise NoIntent
        return recorded

    def _hand_back(self, work: _Work) -> None:
        """As if it had never been taken: whoever runs next begins at once."""
        self._update(work, "leases = leases - 1, due_at = clock_timestamp()", wakes=True)

    def _put_off(self, work: _Work, error: Exception) -> None:
        """The store did not take the outcome: no failure of the work."""
        log.warning("%s of %s waits: %s", work.effect, work.event_id, safely(error))
        self._update(
            work,
            "leases = leases - 1, error = %s,"
            " due_at = clock_timestamp() + make_interval(secs => %s)",
            storable(safely(error)),
            LEASE_S,
        )

    def _later(self, work: _Work, error: Exception) -> None:
        log.warning("%s of %s failed: %s", work.effect, work.event_id, safely(error))
        self._update(
            work,
            f"error = %s, failures = {one_more('failures')},"
            " due_at = clock_timestamp() + make_interval(secs => %s)",
            storable(safely(error)),
            min(RETRY_S * (work.failures + 1), MAX_RETRY_S),
        )

    def _update(self, work: _Work, change: str, *values: object, wakes: bool = False) -> None:
        """Changes the row of this lease only. A runner that lost it touches nothing: the next one
        may be at work, and a third would begin beside it.
        """
        told = f" RETURNING pg_notify('{CHANNEL}', effect)" if wakes else ""
        with self._pool.connection() as connection:
            connection.execute(
                f"UPDATE effects SET {change} WHERE {_OF_LEASE}{told}",
                (*values, work.effect, work.event_id, work.leases),
            )

    def _end(self, work: _Work) -> None:
        """Also when the lease was lost: the outcome is committed."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM effects WHERE effect = %s AND event_id = %s",
                (work.effect, work.event_id),
            )

    def _commit(self, work: _Work, event: Recorded, outcome: Command | Event | None) -> None:
        """Raises _NotCommitted where only the moment was wrong, NoAnswer."""
        effect = self._caps[work.effect]
        if effect.outcomes and not isinstance(outcome, effect.outcomes):
            raise NoAnswer(work.effect)
        if outcome is None:
            return
        context = CommandContext(
            actor=None,
            tenant=event.tenant,
            command_id=CommandId.derived(work.effect, event.event_id),
            correlation_id=event.correlation_id,
            causation_id=event.event_id,
        )
        # The intent is the input: a second performance may measure a hair differently.
        unit = self._commands.unit(context, input={"intent": event.event_id})
        try:
            self._stage(unit, work, outcome)
            unit.commit()
        except Exception as error:
            if is_passing(error) or getattr(error, "status", 0) >= 500:
                raise _NotCommitted(error) from error
            unwanted = isinstance(error, NoCultureError) and error.status in NO_LONGER_WANTED
            if effect.outcomes or not unwanted:
                raise
            log.info("%s of %s is no longer wanted: %s", work.effect, event.stream_id, error)

    def _stage(self, unit: Unit, work: _Work, outcome: Command | Event) -> None:
        if isinstance(outcome, Event):
            keep(unit, work.effect, work.event_id, outcome)
        else:
            _, handler = self._handlers[outcome.stored_name]
            handler(unit, outcome)
