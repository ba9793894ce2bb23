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

from psycopg_pool import ConnectionPool
from pydantic import BaseModel

from commands.alongside import LOST, Alongside, NotAsRead
from commands.lapsed import LapsedHolds
from commands.loading import NOTHING, Aggregates, Loaded
from commands.numbers import AllTaken, Numbering, Numberings, first_free, holders
from commands.rules import AggregateModule, Arguments, Rule, State, StreamId, knowing
from commands.staged import Staged
from events.claims import Claim, Numbered
from events.errors import NoCultureError
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import (
    Append,
    ClaimTaken,
    Committed,
    InputMismatch,
    StoreBusy,
    VersionConflict,
)

MAX_RELOADS = 3
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


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
    _staged: list[Staged] = field(default_factory=list)
    _alongside: Alongside = field(default_factory=Alongside)
    _lapsed: LapsedHolds = field(default_factory=LapsedHolds)
    _numberings: Numberings = field(default_factory=Numberings)
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
        self._stage(Staged(module, stream_id, rule, NOTHING, new=True))

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
        self._stage(Staged(module, stream_id, rule, self._commands.load(module, stream_id)))

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
        self._stage(Staged(module, stream_id, rule, loaded, pinned=True))

    def once(self) -> Committed | None:
        """The first answer, if the caller has sent this command before; None for one without a key.

        For handlers that look at more than `commit` does: what they see may be different by now.
        Raises InputMismatch (422).
        """
        return self._first_answer() if self.context.keyed else None

    def alongside(self, statement: str, parameters: Any) -> None:
        """SQL of the same transaction, before the append: rows that come or go with the events."""
        self._alongside.write(statement, parameters, None)

    def require(self, statement: str, parameters: Any, otherwise: NoCultureError) -> None:
        """The same, and `commit` raises `otherwise` if it finds no row: what was read before the
        transaction may be different by then.
        """
        self._alongside.write(statement, parameters, otherwise)

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
        self._alongside.look(claim, holder, otherwise)

    def take_over(
        self,
        kind: str,
        holder: type[StreamId],
        module: AggregateModule[State],
        expire: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        """A claim of this kind is taken from such a holder when its hold has lapsed: `commit` asks
        its rule, and appends what that says before what is staged (docs/adr/0035). The holder is of
        the unit's own workspace, for an append has one.
        """
        self._lapsed.add(kind, holder, module, expire, *args, **said)

    def numbered(self, limit: Numbered, stage: Callable[[int], None]) -> None:
        """Call `stage` with the first number of the limit that is free or held by a lapsed hold; it
        stages what takes the claim. Whoever is overtaken is given the next number, and `stage`
        called again: nothing may be staged behind it but by the same means.

        Raises AllTaken (409).
        """
        held = holders(self._commands.pool, self.context.tenant, limit)
        number = first_free(limit, held) or self._lapsed.first(
            self._commands, limit, held, self._own
        )
        if number is None:
            self._refused(AllTaken(limit))
            return
        self._numberings.add(Numbering(limit, stage, len(self._staged)))
        stage(number)

    def commit(self) -> Committed:
        """Append everything staged, at once.

        The same command again gets the first answer, `replayed`.

        Raises ClaimTaken (409), AllTaken (409), InputMismatch (422), VersionConflict (409),
        StoreBusy (503).
        """
        reloads = 0
        while self._answered is None:
            append = self._append()
            if append is None:
                # Nothing changes, maybe because this command was committed before: answer as then.
                if first := self._first_answer():
                    return first
                # Or the cache lags behind another process: what a retry asks for then looks as if
                # it were under way. "Nothing to do" counts only when it comes from the store.
                if reloads == 0 and not self._pinned:
                    reloads += 1
                    self._decide_again()
                    continue
                return self._unchanged()
            try:
                committed = self._write(append)
            except ClaimTaken as taken:
                # Another's success, or a hold less each time: it comes to an end.
                if not self._renumber(taken):
                    self._lapsed.ask(self._commands, taken, self._own)
            except VersionConflict as conflict:
                overtaken = conflict.stream_id in self._lapsed
                if reloads == MAX_RELOADS or (self._pinned and not overtaken):
                    self._forget()
                    raise
                reloads += 1
                if overtaken:
                    self._lapsed.forget()
                else:
                    self._decide_again()
            else:
                if not committed.replayed:
                    self._remember(committed)
                return committed
        return self._answered

    @property
    def _pinned(self) -> bool:
        return any(staged.pinned for staged in self._staged)

    @property
    def _own(self) -> set[str]:
        return {staged.stream_id for staged in self._staged}

    def _renumber(self, taken: ClaimTaken) -> bool:
        """Stages again what lost its number; False where it was no number that was lost."""
        again = self._numberings.pop(taken)
        if again:
            del self._staged[again[0].before :]
        for each in again:
            self.numbered(each.limit, each.stage)
        return bool(again)

    def _stage(self, staged: Staged) -> None:
        if self._answered is not None:
            return
        earlier = next((s for s in reversed(self._staged) if s.stream_id == staged.stream_id), None)
        if earlier is not None:
            staged.loaded = earlier.after()
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
        self._alongside.fence(staged.decision.events)
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
        if not any(staged.decision.events for staged in self._staged):
            return None
        codec, tenant = self._commands.codec, self.context.tenant
        # A claim is let go before it is taken: claims are a fold of the events in their order.
        staged = (*self._lapsed.staged, *self._staged)
        return Append(
            command_id=self.context.command_id,
            input_hash=self._input_hash,
            actor=self.context.actor,
            tenant=tenant,
            correlation_id=self.context.correlation_id,
            causation_id=self.context.causation_id,
            events=tuple(e for each in staged for e in each.pending(codec, tenant, self.now)),
            about=next(each.stream_id for each in self._staged if each.decision.events),
        )

    def _write(self, append: Append) -> Committed:
        log, pool = self._commands.log, self._commands.pool
        if not self._alongside:
            return log.append(append)
        try:
            return self._alongside.append(log, pool, append)
        except NotAsRead as missed:
            # This command itself may have changed the row, from another process.
            first = self._first_answer()
            if first is None:
                raise missed.otherwise from None
            return first
        except LOST as error:
            # The commit may have happened and only its answer be lost: the store knows.
            first = self._first_answer()
            if first is None:
                raise StoreBusy from error
            return first

    def _unchanged(self) -> Committed:
        if not self._staged:
            raise RuntimeError("nothing was staged")
        first = self._staged[0]
        return Committed(first.stream_id, first.loaded.version, first.loaded.position)

    def _decide_again(self) -> None:
        self._lapsed.forget()
        again, self._staged = self._staged, []
        for staged in again:
            if not staged.new:
                staged.loaded = self._commands.load(staged.module, staged.stream_id, fresh=True)
            self._stage(staged)

    def _forget(self) -> None:
        for staged in (*self._lapsed.staged, *self._staged):
            self._commands.aggregates.forget(staged.module, staged.stream_id)

    def _remember(self, committed: Committed) -> None:
        for staged in (*self._lapsed.staged, *self._staged):
            after = staged.after(committed.position)
            self._commands.aggregates.remember(staged.module, staged.stream_id, after)
