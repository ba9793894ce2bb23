"""A strict, stateful stand-in for Postgres: transactions that roll back, versions, command ids,
claims, compare-and-swap, leases, a clock that can be set. One thread; faults strike where they are
told to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from commands.loading import NOTHING, Loaded
from commands.numbers import HOLDERS
from commands.unit import CommandContext, Unit
from events.claims import Claim
from events.envelope import Envelope, Recorded
from events.log.partitions import LogPartition, topic_of
from events.log.port import Checkpoint, LogItem
from events.model import Event
from events.store.pending import (
    Append,
    ClaimNotHeld,
    ClaimTaken,
    Committed,
    InputMismatch,
    PendingEvent,
    VersionConflict,
)
from events.store.subject_keys import DESTROY
from processors.consumers.checkpoints import CheckpointMoved, Move
from processors.consumers.group import Group
from processors.sagas.rows import CommandRow, DueTimer, TimerRow
from processors.sagas.steps import Pending

_ABSENT = object()
PARTITIONS = 2
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """What kill -9 is to the code under way: no handler of ours sees it."""


@dataclass
class Store:
    """Everything that is stored. `fault` strikes the next transaction that ends, once."""

    now_s: float = 0.0
    log: list[Envelope] = field(default_factory=list)
    streams: dict[str, list[Envelope]] = field(default_factory=dict)
    partitions: dict[LogPartition, list[Envelope]] = field(default_factory=dict)
    answered: dict[str, tuple[bytes, Committed]] = field(default_factory=dict)
    commands: dict[str, tuple[CommandRow, float, int, str | None]] = field(default_factory=dict)
    timers: dict[tuple[str, str], tuple[TimerRow, float]] = field(default_factory=dict)
    claims: dict[tuple[str, str, str], str] = field(default_factory=dict)
    destroyed_keys: dict[str, bool] = field(default_factory=dict)
    checkpoints: dict[tuple[str, LogPartition], int] = field(default_factory=dict)
    view: dict[str, Any] = field(default_factory=dict)
    fault: str | None = None
    # A consumer fails once, for no fault of an event: the lane goes on one by one.
    choking: bool = False
    # Runs once, before a batch of steps writes its rows: another process that comes in between.
    between: Callable[[], None] | None = None
    # Runs once, before a command's own append: whoever is faster than what was decided.
    overtaking: Callable[[], None] | None = None
    undo: list[list[tuple[Any, Any, Any]] | None] = field(default_factory=list)
    changes: int = 0

    def put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self._note(table, key, table.get(key, _ABSENT))
        table[key] = value

    def remove(self, table: dict[Any, Any], key: Any) -> None:
        if key in table:
            self._note(table, key, table.pop(key))

    def push(self, table: list[Any], value: Any) -> None:
        self._note(table, None, None)
        table.append(value)

    def _note(self, table: Any, key: Any, old: Any) -> None:
        self.changes += 1
        if self.undo and (open_undo := self.undo[-1]) is not None:
            open_undo.append((table, key, old))

    def roll_back(self, undo: list[tuple[Any, Any, Any]]) -> None:
        for table, key, old in reversed(undo):
            if isinstance(table, list):
                table.pop()
            elif old is _ABSENT:
                del table[key]
            else:
                table[key] = old

    def choke(self) -> None:
        """Whoever is to fail here does, once."""
        if self.choking:
            self.choking = False
            raise ValueError("not the fault of any event")

    def come_between(self) -> None:
        """Whoever waits to come in between does so now, outside of any open transaction."""
        if (other := self.between) is not None:
            self.between, fault, self.fault = None, self.fault, None
            self.undo.append(None)
            try:
                other()
            finally:
                self.undo.pop()
                self.fault = fault
        self.choke()

    def overtake(self) -> None:
        """Whoever waits to be faster is so now, outside of any transaction."""
        if (other := self.overtaking) is not None:
            self.overtaking, fault, self.fault = None, self.fault, None
            other()
            self.fault = fault


class Connection:
    """What a pool hands out, and the pool itself: what is outside `transaction` commits at once."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def connection(self) -> Connection:
        return self

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def transaction(self) -> Transaction:
        return Transaction(self.store)

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> Found:
        """The statements of a unit of work; nobody waits to be told that a view has moved."""
        if statement == DESTROY:
            self.store.put(self.store.destroyed_keys, parameters[0], True)
        elif "FROM commands WHERE command_id" in statement:
            known = self.store.answered.get(parameters[0])
            if known is not None:
                first = known[1]
                return Found([(known[0], first.stream_id, first.stream_version, first.position)])
        elif statement == HOLDERS:
            kind, scope, keys = parameters
            held = ((key, self.store.claims.get((kind, scope, key))) for key in keys)
            return Found([row for row in held if row[1] is not None])
        else:
            assert "pg_notify" in statement, statement
        return Found([])


@dataclass(frozen=True)
class Found:
    rows: list[tuple[Any, ...]]

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class Transaction:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._store.undo.append([])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        store = self._store
        undo = store.undo.pop()
        assert undo is not None
        if kind is not None:
            store.roll_back(undo)
            return
        fault, store.fault = store.fault, None
        if fault == "crash before commit":
            store.roll_back(undo)
            raise Crash
        if fault == "crash after commit":
            raise Crash
        if fault == "lost answer":
            raise psycopg.OperationalError("the connection broke after the commit")


class Clock:
    """The domain's, over the machine's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> datetime:
        return MOMENT + timedelta(seconds=self._store.now_s)


class Codec:
    """Events as they are: what encoding does to them is the golden files' business."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def encode(self, event: Event, event_id: str, stream_id: str, tenant: str) -> bytes:
        self.events[event_id] = event
        return b""

    def decode(self, envelope: Envelope) -> Recorded:
        return Recorded(envelope, self.events[envelope.event_id])


class Log:
    """`PostgresLog`, as far as sagas and units of work use it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.events = self
        self.clock = Clock(store)

    def stream(
        self, stream_id: str, *, newest_first: bool = False, limit: int | None = None
    ) -> list[Envelope]:
        events = self._store.streams.get(stream_id, [])
        if newest_first and limit == 1:
            return events[-1:]
        return (events[::-1] if newest_first else events)[:limit]

    def append(self, append: Append) -> Committed:
        self._store.overtake()
        with Transaction(self._store):
            (verdict,) = self.append_in(None, [append])
            if isinstance(verdict, Exception):
                raise verdict
        return verdict

    def append_in(self, _: object, appends: Sequence[Append]) -> list[Committed | Exception]:
        return [self._append(append) for append in appends]

    def _append(self, append: Append) -> Committed | Exception:
        store = self._store
        known = store.answered.get(append.command_id)
        if known is not None:
            if known[0] != append.input_hash:
                return InputMismatch()
            first = known[1]
            return Committed(first.stream_id, first.stream_version, first.position, replayed=True)
        for event in append.events:
            stream = store.streams.setdefault(event.stream_id, [])
            version = len(stream) + 1
            if event.stream_version != version:
                return VersionConflict(event.stream_id, event.stream_version - 1, version - 1)
            if (taken := self._move_claims(event, append.tenant)) is not None:
                return taken
            envelope = Envelope(
                position=len(store.log) + 1,
                event_id=event.event_id,
                stream_id=event.stream_id,
                stream_version=version,
                category=event.category,
                type=event.type,
                version=event.version,
                recorded_at=MOMENT,
                effective_at=event.effective_at,
                actor=append.actor,
                tenant=append.tenant,
                correlation_id=append.correlation_id,
                causation_id=append.causation_id,
                command_id=append.command_id,
                hash=b"",
                data=event.data,
            )
            store.push(store.log, envelope)
            store.push(stream, envelope)
            # The last digit is as good as a hash to send two streams different ways.
            place = LogPartition(
                topic_of(event.category), int(event.stream_id[-1], 16) % PARTITIONS
            )
            store.push(store.partitions.setdefault(place, []), envelope)
        last = store.streams[append.about or append.events[0].stream_id][-1]
        committed = Committed(last.stream_id, last.stream_version, len(store.log))
        store.put(store.answered, append.command_id, (append.input_hash, committed))
        return committed

    def _move_claims(self, event: PendingEvent, tenant: str) -> ClaimTaken | ClaimNotHeld | None:
        store = self._store
        for claim in event.releases:
            if self.holder_of(None, tenant, claim) != event.stream_id:
                return ClaimNotHeld(claim.kind)
            store.remove(store.claims, _key_of(claim, tenant))
        for claim in event.takes:
            holder = store.claims.get(_key_of(claim, tenant))
            if holder is not None:
                return ClaimTaken(claim.kind, claim.key, holder, None)
            store.put(store.claims, _key_of(claim, tenant), event.stream_id)
        return None

    def holder_of(self, _: object, tenant: str, claim: Claim) -> str | None:
        return self._store.claims.get(_key_of(claim, tenant))

    def wake(self) -> None:
        """Nobody sleeps here."""


def _key_of(claim: Claim, tenant: str) -> tuple[str, str, str]:
    return claim.kind, claim.scope_in(tenant), claim.key


class Commands:
    """`commands.unit.Commands` without a cache: the unit of work is the product's own."""

    def __init__(self, store: Store, log: Any, codec: Any) -> None:
        self._store, self.log, self.codec = store, log, codec
        self.pool, self.aggregates = Connection(store), self

    def unit(self, context: CommandContext, *, input: object) -> Unit:
        commands: Any = self
        return Unit(commands, context, repr(input).encode())

    def load(self, module: Any, stream_id: str, *, fresh: bool = False) -> Loaded:
        stream = self._store.streams.get(stream_id)
        if not stream:
            return NOTHING
        state = None
        for envelope in stream:
            state = module.evolve(state, self.codec.events[envelope.event_id])
        return Loaded(state, len(stream), stream[-1].position)

    def remember(self, module: Any, stream_id: str, loaded: Loaded) -> None:
        """The store is as near."""

    def forget(self, module: Any, stream_id: str) -> None:
        """As `remember`."""


class Rows:
    """`SagaRows`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(
        self,
        _: object,
        commands: Sequence[CommandRow],
        timers: Sequence[TimerRow],
        stepped: Mapping[str, Collection[str]],
        ended: Collection[str],
        now: datetime,
    ) -> None:
        store = self._store
        store.come_between()
        for stream_id in ended:
            for row in self._of(stream_id):
                store.remove(store.commands, row.command_id)
        for command in commands:
            if command.command_id not in store.commands:
                store.put(store.commands, command.command_id, (command, store.now_s, 0, None))
        for stream_id, token in list(store.timers):
            if stream_id in stepped and token not in stepped[stream_id]:
                store.remove(store.timers, (stream_id, token))
        for timer in timers:
            due_s = (timer.due_at - MOMENT).total_seconds()
            store.put(store.timers, (timer.stream_id, timer.token), (timer, due_s))

    def take_due_timer(
        self,
        _: object,
        sagas: Collection[str],
        now: datetime,
        aside: Collection[tuple[str, str]] = (),
    ) -> DueTimer | None:
        store = self._store
        due = [
            (timer.due_at, key)
            for key, (timer, _due_s) in store.timers.items()
            if timer.due_at <= now and timer.saga in sagas and key not in aside
        ]
        if not due:
            return None
        key = min(due)[1]
        row = store.timers[key][0]
        store.remove(store.timers, key)
        reference = f"{row.token}@{row.set_by}"
        return DueTimer(
            *(row.saga, row.stream_id, row.token, row.due_at),
            *(row.tenant, row.correlation_id, reference),
        )

    def lease_command(self, _: object, lease_s: float) -> tuple[CommandRow, int] | None:
        store = self._store
        # Of those due at once the first one written: ids are another in each run.
        key = min(store.commands, key=lambda each: store.commands[each][1], default=None)
        if key is None or store.commands[key][1] > store.now_s:
            return None
        row, _due, attempts, error = store.commands[key]
        store.put(store.commands, key, (row, store.now_s + lease_s, attempts + 1, error))
        return row, attempts + 1

    def delay_command(self, _: object, command_id: str, error: str, delay_s: float) -> None:
        store = self._store
        if command_id in store.commands:
            row, _due, attempts, _error = store.commands[command_id]
            store.put(store.commands, command_id, (row, store.now_s + delay_s, attempts, error))

    def forget_command(self, _: object, command_id: str) -> None:
        self._store.remove(self._store.commands, command_id)

    def answered(self, _: object, command_id: str) -> tuple[bytes, Committed] | None:
        known = self._store.answered.get(command_id)
        if known is None:
            return None
        first = known[1]
        return known[0], Committed(first.stream_id, first.stream_version, first.position, True)

    def hasten(self, _: object, stream_id: str, correlation_id: str) -> tuple[Pending, ...]:
        store, rows = self._store, self._of(stream_id)
        for row in rows:
            _row, due_s, _attempts, error = store.commands[row.command_id]
            due_s = due_s if error is None else store.now_s
            store.put(store.commands, row.command_id, (row, due_s, 0, error))
        return tuple((row.name, row.body) for row in rows if row.command_id not in store.answered)

    def _of(self, stream_id: str) -> list[CommandRow]:
        return [row for row, *_ in self._store.commands.values() if row.stream_id == stream_id]


class MemoryGroup(Group):
    """The product's own, over the rows of the store."""

    def __init__(self, store: Store, lane: str) -> None:
        super().__init__(lane)
        self._store = store

    def _swap(self, connection: Any, moves: Sequence[Move]) -> None:
        stored = self._store.checkpoints
        for move in moves:
            key = (move.consumer, move.partition)
            if stored.get(key, 0) != move.position:
                raise CheckpointMoved(f"{move.consumer} on {move.partition}")
            self._store.put(stored, key, move.to.position)


class NoLetters:
    """`parking`: nothing in a schedule is poison, so a parked stream is a fault that was found."""

    def parked_among(
        self, _: object, consumers: Iterable[str], streams: Iterable[str]
    ) -> set[tuple[str, str]]:
        return set()

    def require_none(self, _: object, consumers: Iterable[str], streams: Iterable[str]) -> None:
        """Nothing is parked."""

    def put_aside(self, _: object, consumer: str, events: Sequence[Envelope]) -> None:
        raise AssertionError(f"{consumer} put events aside")

    def park(self, _: object, consumer: str, event: Envelope, error: str) -> None:
        raise AssertionError(f"{consumer} parked {event.stream_id} at {event.position}: {error}")


def items_of(partition: LogPartition, envelopes: Sequence[Envelope]) -> list[LogItem]:
    return [LogItem(each, partition, Checkpoint(each.position)) for each in envelopes]
