"""The simulator's world over the real engine: real store, rows, checkpoints, commands, read model.

Its schedules, actions and invariants are the simulator's own. What they look at, `store`, is read
back from Postgres after every action; faults strike the real transactions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.envelope import Recorded
from events.ids import EventId
from events.log.partitions import LogPartition, partition_of, partitions_of
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, Committed
from events.store.subject_keys import PostgresSubjectKeys
from events.times import utc_now
from processors.consumers.batch import Batches
from processors.consumers.checkpoints import rows_of
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.group import Group
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import register
from processors.sagas.consumer import SagaConsumer
from processors.sagas.rows import SagaRows
from projections.system.sagas import Sagas
from runtime.areas import SAGAS
from tests.unit.simulator import lanes
from tests.unit.simulator.memory import Crash, Store
from tests.unit.simulator.world import NOBODY, World

TABLE = (
    "CREATE TABLE IF NOT EXISTS public.simulated"
    " (number bigserial, consumer text NOT NULL, position bigint NOT NULL)"
)

_FROM_NOW_S = "extract(epoch FROM due_at - %s)::float8"


class TurnedClock:
    """The machine's, as far as the schedule has turned it."""

    def __init__(self) -> None:
        self.turned = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.turned


class FaultyConnection:
    """A real connection whose next transaction ends as `store.fault` says."""

    def __init__(self, connection: psycopg.Connection[Any], store: Store) -> None:
        self._connection, self._store = connection, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield
            fault, self._store.fault = self._store.fault, None
            if fault == "crash before commit":
                raise Crash
        strike_after(fault)


class FaultyPool:
    def __init__(self, pool: ConnectionPool, store: Store) -> None:
        self._pool, self._store = pool, store

    @contextmanager
    def connection(self) -> Iterator[FaultyConnection]:
        with self._pool.connection() as connection:
            yield FaultyConnection(connection, self._store)


def strike_after(fault: str | None) -> None:
    if fault == "crash after commit":
        raise Crash
    if fault == "lost answer":
        raise psycopg.OperationalError("the connection broke after the commit")


class FaultyLog:
    """The real log, of which a command's own append ends as `store.fault` says."""

    def __init__(self, log: PostgresLog, store: Store) -> None:
        self._log, self._store = log, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, append: Append) -> Committed:
        fault, self._store.fault = self._store.fault, None
        if fault == "crash before commit":
            raise Crash
        committed = self._log.append(append)
        strike_after(fault)
        return committed


class Rows(SagaRows):
    """With room for another process before a batch of steps writes its rows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, *arguments: Any) -> None:
        self._store.come_between()
        super().write(*arguments)


class SeenCodec(EventCodec):
    """Keeps what was read, for the invariants."""

    events: dict[str, Any]

    def decode(self, envelope: Any) -> Recorded | None:
        recorded = super().decode(envelope)
        if recorded is not None:
            self.events[recorded.event_id] = recorded.data
        return recorded


def note(connection: Connection, name: str, events: Sequence[Recorded]) -> None:
    """Every position in the order it was applied."""
    connection.cursor().executemany(
        "INSERT INTO public.simulated (consumer, position) VALUES (%s, %s)",
        [(name, event.position) for event in events],
    )


class View(ProjectionConsumer):
    """The real read model, and beside it every position in the order it was applied."""

    def __init__(self) -> None:
        super().__init__(Sagas(lanes.VIEWED))
        self.name, self.categories = "sagas", lanes.VIEWED
        self.use_build(1)

    def apply(self, connection: Any, events: Any) -> None:
        note(connection, self.name, events)
        super().apply(connection, events)


class Uploads(lanes.Uploads):
    """Its positions in the same table."""

    def apply(self, connection: Any, events: Any) -> None:
        note(connection, self.name, events)
        super().apply(connection, events)


class PostgresWorld(World):
    def __init__(self, real: ConnectionPool, log: PostgresLog) -> None:
        self._real = real
        self.log_of_store = log
        self._clock = log.clock = TurnedClock()
        self._codec = SeenCodec(PostgresSubjectKeys(real, b"m" * 32))
        self._codec.events = {}
        self._base = log.events.head()
        # What earlier schedules left is nobody's business any more.
        with real.connection() as connection, connection.pipeline():
            for table in ("saga_commands", "saga_timers", "effects", "public.simulated"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("UPDATE checkpoints SET position = %s", (self._base,))
        super().__init__(EventId.new())

    @staticmethod
    def prepare(real: ConnectionPool, log: PostgresLog) -> None:
        """Once per database, before the first world."""
        with real.connection() as connection:
            connection.execute(TABLE)
        codec = EventCodec(PostgresSubjectKeys(real, b"m" * 32))
        views = (View(), Uploads(Store()))
        sagas = (SagaConsumer(saga, log, codec, NOBODY) for saga in SAGAS.values())
        for consumer in (*sagas, *views):
            places = [p for category in consumer.categories for p in partitions_of(category)]
            register(real, consumer, places)

    def make_store(self) -> Store:
        store = Store()
        self._faulty = FaultyPool(self._real, store)
        return store

    def make_pool(self) -> Any:
        return self._faulty

    def make_codec(self) -> Any:
        return self._codec

    def make_log(self) -> Any:
        return self.log_of_store

    def make_rows(self) -> Any:
        return Rows(self.store)

    def make_commands(self) -> Any:
        log: Any = FaultyLog(self.log_of_store, self.store)
        return Commands(log, self.pool, self._codec, b"k" * 32)

    def make_group(self, lane: str) -> Group:
        return Group()

    def make_batches(self) -> Batches:
        return Batches(self.pool, self.codec)

    def make_views(self) -> list[Consumer]:
        return [View(), Uploads(self.store)]

    def positions(self, consumer: Consumer) -> dict[LogPartition, int]:
        with self._real.connection() as connection:
            rows = rows_of(connection, consumer.name)
        return {row.partition: row.at.position for row in rows}

    def act(self, action: str, x: int, y: int) -> object:
        answer = super().act(action, x, y)
        self._look()
        return answer

    def wait_until(self, due_s: float) -> None:
        """`due_s` from now: by as much as all is due sooner."""
        if due_s > 0:
            self.turn_clock(due_s + 0.001)

    def turn_clock(self, by_s: float) -> None:
        """The database's clock cannot be set here; that all is due sooner or later is the same."""
        self._clock.turned += timedelta(seconds=by_s)
        with self._real.connection() as connection:
            connection.execute(
                "UPDATE saga_commands SET due_at = due_at - make_interval(secs => %s)", (by_s,)
            )

    def _look(self) -> None:
        """Read the store back."""
        store = self.store
        store.changes += 1
        reached = store.log[-1].position if store.log else self._base
        for envelope in self.log.events.after(reached, 1_000):
            self.codec.decode(envelope)
            store.log.append(envelope)
            store.streams.setdefault(envelope.stream_id, []).append(envelope)
            store.partitions.setdefault(partition_of(envelope), []).append(envelope)
        with self._real.connection() as connection, connection.pipeline():
            timers = connection.execute(
                f"SELECT stream_id, token, {_FROM_NOW_S} FROM saga_timers", (self._clock.now(),)
            )
            commands = connection.execute(
                f"SELECT command_id, stream_id, {_FROM_NOW_S}, attempts, error FROM saga_commands",
                (utc_now(),),
            )
            checkpoints = connection.execute(
                "SELECT consumer, topic, partition, position FROM checkpoints"
            )
            view = connection.execute(
                "SELECT saga_id, state, version FROM views.sagas WHERE saga_id = ANY(%s)",
                ([name for name, _ in self.saga_streams()],),
            )
            applied = connection.execute(
                "SELECT consumer, position FROM public.simulated ORDER BY number"
            )
            looked: Any = [c.fetchall() for c in (timers, commands, checkpoints, view, applied)]
        store.timers = {(stream_id, token): (None, due_s) for stream_id, token, due_s in looked[0]}
        store.commands = {row[0]: (_Sent(row[0], row[1]), *row[2:]) for row in looked[1]}
        store.checkpoints = {(c, LogPartition(t, n)): p for c, t, n, p in looked[2]}
        store.view = {row[0]: {"state": row[1], "version": row[2]} for row in looked[3]}
        for name, key in (("sagas", "applied"), ("uploads", "uploads")):
            store.view[key] = tuple(position for whose, position in looked[4] if whose == name)


class _Sent:
    """Of a command's row, what the invariants ask for."""

    def __init__(self, command_id: str, stream_id: str) -> None:
        self.command_id, self.stream_id = command_id, stream_id
