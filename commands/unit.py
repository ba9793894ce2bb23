"""The unit of work: load, decide, stage, and commit all of it in one append.

Nobody else commits.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from aggregates.decision import Decision
from commands.loading import NOTHING, Aggregates, Loaded
from commands.rules import AggregateModule, Arguments, Rule, State, StreamId, knowing
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import EventId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import (
    Append,
    Committed,
    InputMismatch,
    PendingEvent,
    StoreBusy,
    VersionConflict,
)

MAX_RELOADS = 3
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode

# The session ended under a transaction (a server that stopped, ourselves stopped for too long), or
# it waited too long for the log.
_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
_UNDECIDED = Decision()


@dataclass(frozen=True, slots=True)
class CommandContext:
    """A command's actor and tenant, and the ids that make it idempotent and traceable.

    `keyed`: the command's id comes from an Idempotency-Key, so the caller may send it again.
    """

    actor: str | None
    tenant: str
    command_id: str
    correlation_id: str
    causation_id: str | None = None
    keyed: bool = False


@dataclass(slots=True)
class _Staged:
    """A decision and what it rests on: `decide` needs only the state any more."""

    module: AggregateModule[Any]
    stream_id: str
    decide: Callable[[Any], Decision]
    loaded: Loaded
    new: bool = False
    pinned: bool = False
    decision: Decision = _UNDECIDED


class Commands:
    """The shared parts of this process's units: log, codec, the key for input hashes, a cache."""

    def __init__(
        self, log: PostgresLog, pool: ConnectionPool, codec: EventCodec, input_key: bytes
    ) -> None:
        self.log, self.pool, self.codec = log, pool, codec
        self._input_key = input_key
        self.aggregates = Aggregates(log, pool, codec, input_key)

    def unit(
        self, context: CommandContext, *, input: object, secrets: frozenset[str] = frozenset()
    ) -> Unit:
        """`input` decides whether a second command with this id is the same.

        `secrets` are left out.
        """
        return Unit(self, context, self._hash(input, secrets))

    def load(self, module: AggregateModule[Any], stream_id: str, *, fresh: bool = False) -> Loaded:
        return self.aggregates.load(module, stream_id, fresh=fresh)

    def _hash(self, input: object, secrets: frozenset[str]) -> bytes:
        plain = input.model_dump(mode="json") if isinstance(input, BaseModel) else input
        if secrets and isinstance(plain, dict):
            plain = {name: value for name, value in plain.items() if name not in secrets}
        return hmac.digest(self._input_key, _canonical(plain).encode(), "sha256")


@dataclass(slots=True)
class Unit:
    """One command's work. Stage with `start`, `change` and `change_at`, then `commit` once."""

    _commands: Commands
    context: CommandContext
    _input_hash: bytes
    _staged: list[_Staged] = field(default_factory=list)
    _alongside: list[tuple[str, Any, NoCultureError | None]] = field(default_factory=list)
    _held: list[tuple[Claim, str, NoCultureError]] = field(default_factory=list)
    _answered: Committed | None = None
    _now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The command's time, one for all its rules: when its events count unless a decision says
        otherwise.
        """
        if self._now is None:
            self._now = self._commands.log.clock.now()
        return self._now

    def load(
        self, module: AggregateModule[State], stream_id: str, *, fresh: bool = False
    ) -> tuple[State | None, int]:
        """(state or None, version) of a stream, from the cache if it is there and not `fresh`."""
        loaded = self._commands.load(module, stream_id, fresh=fresh)
        return loaded.state, loaded.version

    def start(
        self,
        module: AggregateModule[State],
        stream_id: StreamId,
        decide: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        """Stage the first decision of a stream that must not exist yet."""
        rule = knowing(decide, stream_id, *args, **said)
        self._stage(_Staged(module, stream_id, rule, NOTHING, new=True))

    def change(
        self,
        module: AggregateModule[State],
        stream_id: StreamId,
        decide: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        """Stage a decision on what the stream is now. Raises the aggregate's refusal."""
        rule = knowing(decide, stream_id, *args, **said)
        self._stage(_Staged(module, stream_id, rule, self._commands.load(module, stream_id)))

    def change_at(
        self,
        expected_version: int | None,
        module: AggregateModule[State],
        stream_id: StreamId,
        decide: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        """`change` at the version that its caller has seen; None is any.

        Raises the aggregate's refusal, or VersionConflict (409).
        """
        if expected_version is None:
            self.change(module, stream_id, decide, *args, **said)
            return
        loaded = self._commands.load(module, stream_id)
        if loaded.version != expected_version:
            # The cache may lag behind another process: only the store's word refuses.
            loaded = self._commands.load(module, stream_id, fresh=True)
            if loaded.version != expected_version and loaded.version > 0:
                self._refused(VersionConflict(stream_id, expected_version, loaded.version))
                return
        rule = knowing(decide, stream_id, *args, **said)
        self._stage(_Staged(module, stream_id, rule, loaded, pinned=True))

    def once(self) -> Committed | None:
        """The first answer, if the caller has sent this command before; None for one without a key.

        For handlers that look at more than `commit` does: what they see may be different by now.
        Raises InputMismatch (422).
        """
        return self._first_answer() if self.context.keyed else None

    def alongside(self, statement: str, parameters: Any) -> None:
        """SQL of the same transaction, before the append: rows that come or go with the events."""
        self._alongside.append((statement, parameters, None))

    def require(self, statement: str, parameters: Any, otherwise: NoCultureError) -> None:
        """The same, and `commit` raises `otherwise` if it finds no row: what was read before the
        transaction may be different by then.
        """
        self._alongside.append((statement, parameters, otherwise))

    def belongs_to(self, workspace_id: str) -> None:
        """Whose streams the unit writes to, where that is not the caller's own workspace. Said
        before anything is staged: an append has one tenant, its target's.
        """
        if self._staged:
            raise RuntimeError("the tenant is said before anything is staged")
        self.context = replace(self.context, tenant=workspace_id)

    def while_held(self, claim: Claim, holder: str, otherwise: NoCultureError) -> None:
        """`commit` raises `otherwise` if the stream `holder` does not hold this claim at that very
        moment: a rule about a stream that many others lean on (docs/adr/0027).
        """
        self._held.append((claim, holder, otherwise))

    def commit(self) -> Committed:
        """Append everything staged, at once.

        The same command again gets the first answer, `replayed`.

        Raises ClaimTaken (409), InputMismatch (422), VersionConflict (409), StoreBusy (503).
        """
        for attempt in range(MAX_RELOADS + 1):
            if self._answered is not None:
                return self._answered
            append = self._append()
            if append is None:
                # Nothing changes, maybe because this command was committed before: answer as then.
                if first := self._first_answer():
                    return first
                # Or the cache lags behind another process: what a retry asks for then looks as if
                # it were under way. "Nothing to do" counts only when it comes from the store.
                if attempt == 0 and not any(staged.pinned for staged in self._staged):
                    self._decide_again()
                    continue
                return self._unchanged()
            try:
                committed = self._write(append)
            except VersionConflict:
                if attempt == MAX_RELOADS or any(staged.pinned for staged in self._staged):
                    self._forget()
                    raise
                self._decide_again()
                continue
            if not committed.replayed:
                self._remember(committed)
            return committed
        raise AssertionError("unreachable")

    def _stage(self, staged: _Staged) -> None:
        if self._answered is not None:
            return
        earlier = next((s for s in reversed(self._staged) if s.stream_id == staged.stream_id), None)
        if earlier is not None:
            staged.loaded = _after(earlier)
        try:
            staged.decision = staged.decide(staged.loaded.state)
        except NoCultureError as refusal:
            if staged.new or staged.loaded.version == 0 or earlier is not None:
                self._refused(refusal)
                return
            # A refusal from a cached state may be out of date.
            seen = staged.loaded.version
            staged.loaded = self._commands.load(staged.module, staged.stream_id, fresh=True)
            if staged.pinned and staged.loaded.version != seen:
                self._refused(VersionConflict(staged.stream_id, seen, staged.loaded.version))
                return
            try:
                staged.decision = staged.decide(staged.loaded.state)
            except NoCultureError as certain:
                self._refused(certain)
                return
        self._staged.append(staged)

    def _refused(self, refusal: NoCultureError) -> None:
        """A command that was committed before is answered as before, whatever is true by now."""
        self._answered = self._first_answer()
        if self._answered is None:
            raise refusal

    def _first_answer(self) -> Committed | None:
        """Finds the answer to this command from when it was committed; None if it was not."""
        with self._commands.pool.connection() as connection:
            row = connection.execute(
                "SELECT input_hash, stream_id, stream_version, position FROM commands"
                " WHERE command_id = %s",
                (self.context.command_id,),
            ).fetchone()
        if row is None:
            return None
        if bytes(row[0]) != self._input_hash:
            raise InputMismatch
        return Committed(row[1], row[2], row[3], replayed=True)

    def _append(self) -> Append | None:
        events: list[PendingEvent] = []
        for staged in self._staged:
            decision = staged.decision
            for index, event in enumerate(decision.events):
                event_id = EventId.new()
                events.append(
                    PendingEvent(
                        event_id=event_id,
                        stream_id=staged.stream_id,
                        stream_version=staged.loaded.version + 1 + index,
                        category=event.category,
                        type=event.type,
                        version=event.version,
                        effective_at=decision.effective_at or self.now,
                        data=self._commands.codec.encode(
                            event, event_id, staged.stream_id, self.context.tenant
                        ),
                        takes=decision.takes if index == 0 else (),
                        releases=decision.releases if index == 0 else (),
                    )
                )
        if not events:
            return None
        return Append(
            command_id=self.context.command_id,
            input_hash=self._input_hash,
            actor=self.context.actor,
            tenant=self.context.tenant,
            correlation_id=self.context.correlation_id,
            causation_id=self.context.causation_id,
            events=tuple(events),
        )

    def _write(self, append: Append) -> Committed:
        if not self._alongside and not self._held:
            return self._commands.log.append(append)
        try:
            return self._write_alongside(append)
        except _LOST as error:
            # The commit may have happened and only its answer be lost: the store knows.
            first = self._first_answer()
            if first is None:
                raise StoreBusy from error
            return first

    def _write_alongside(self, append: Append) -> Committed:
        with self._commands.pool.connection() as connection:
            try:
                with connection.transaction():
                    for statement, parameters, otherwise in self._alongside:
                        done = connection.execute(statement, parameters)
                        if otherwise is not None and done.rowcount == 0:
                            raise _NoRow(otherwise)
                    verdict = self._commands.log.append_in(connection, [append])[0]
                    if isinstance(verdict, Exception):
                        raise verdict
                    if verdict.replayed:
                        raise _AlreadyDone(verdict)
                    # Behind the append, which took the log's lock and had its own refusals first.
                    for claim, holder, missing in self._held:
                        if not self._commands.log.holds(connection, append.tenant, claim, holder):
                            raise missing
            except _AlreadyDone as done:
                return done.committed
            except _NoRow as missed:
                # This command itself may have changed the row, from another process.
                first = self._first_answer()
                if first is None:
                    raise missed.otherwise from None
                return first
        self._commands.log.wake()
        return verdict

    def _unchanged(self) -> Committed:
        if not self._staged:
            raise RuntimeError("nothing was staged")
        first = self._staged[0]
        return Committed(first.stream_id, first.loaded.version, first.loaded.position)

    def _decide_again(self) -> None:
        again, self._staged = self._staged, []
        for staged in again:
            if not staged.new:
                staged.loaded = self._commands.load(staged.module, staged.stream_id, fresh=True)
            self._stage(staged)

    def _forget(self) -> None:
        for staged in self._staged:
            self._commands.aggregates.forget(staged.module, staged.stream_id)

    def _remember(self, committed: Committed) -> None:
        for staged in self._staged:
            after = _after(staged, committed.position)
            self._commands.aggregates.remember(staged.module, staged.stream_id, after)


class _AlreadyDone(Exception):
    """Rolls back what was written alongside: the first commit of this command wrote it."""

    def __init__(self, committed: Committed) -> None:
        self.committed = committed


class _NoRow(Exception):
    """Rolls back: a row that was required is not as it was read."""

    def __init__(self, otherwise: NoCultureError) -> None:
        self.otherwise = otherwise


def _after(staged: _Staged, position: int | None = None) -> Loaded:
    return staged.loaded.advanced(staged.module, staged.decision.events, position=position)
