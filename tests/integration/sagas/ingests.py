"""An ingest, or another saga of recordings, at work: real store and saga runtime, events fed as the
consumer engine feeds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from psycopg_pool import ConnectionPool

from aggregates.vault import asset
from commands.unit import CommandContext, Commands
from events.envelope import Recorded
from events.ids import AccountId, AssetId, CommandId, CorrelationId, IngestId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.consumers.batch import finish
from processors.sagas.consumer import SagaConsumer
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.timers import Timers
from processors.wake import Wake
from runtime.areas import HANDLERS
from sagas.saga import Saga
from sagas.vault.ingest import INGEST
from schemas.vault.examples import COVER, FACTS, TAGS

WORKSPACE, ACCOUNT = WorkspaceId.new(), AccountId.new()
SAGAS = {"ingest": INGEST}


class Crash(BaseException):
    """What a kill -9 is to a transaction or a runner: no handler of ours sees it coming."""


@dataclass
class Ingests:
    """The saga's consumer, dispatcher and timers over one database, moved by hand."""

    commands: Commands
    log: PostgresLog
    pool: ConnectionPool
    codec: EventCodec
    position: int = 0
    saga: Saga = INGEST
    consumer: SagaConsumer = field(init=False)

    def __post_init__(self) -> None:
        self.consumer = SagaConsumer(self.saga, self.log, self.codec, Wake())

    def upload(self) -> AssetId:
        asset_id = AssetId.new()
        unit = self._unit()
        unit.start(
            asset,
            asset_id,
            asset.upload,
            workspace_id=WORKSPACE,
            uploaded_by=ACCOUNT,
            filename="a.wav",
            sha256=asset_id[4:] * 2,
            size_bytes=1,
        )
        unit.commit()
        return asset_id

    def verify(self, asset_id: AssetId) -> None:
        self._change(asset_id, asset.verify, tags=TAGS, audio=FACTS, cover=COVER)

    def delete(self, asset_id: AssetId) -> None:
        self._change(asset_id, asset.delete, deleted_by=ACCOUNT)

    def new_events(self) -> list[Recorded]:
        """What the saga has not read yet."""
        envelopes = self.log.events.after(self.position, 1_000, categories=self.saga.categories)
        return [recorded for e in envelopes if (recorded := self.codec.decode(e)) is not None]

    def feed(self) -> None:
        """One batch, as the engine does it: apply, finish, commit, committed."""
        events = self.new_events()
        with self.pool.connection() as connection, connection.transaction():
            self.consumer.apply(connection, events)
            finish(connection, [self.consumer])
        self.consumer.committed()
        self.position = self.log.events.head()

    def dispatcher(self) -> Dispatcher:
        """As another process would have it: with a cache of its own."""
        commands = Commands(self.log, self.pool, self.codec, b"k" * 32)
        sagas = {self.saga.name: self.saga}
        return Dispatcher(commands, sagas, HANDLERS, self.log, self.pool, self.codec, Wake())

    def timers(self) -> Timers:
        return Timers({self.saga.name: self.saga}, self.log, self.pool, self.codec, Wake())

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.pool.connection() as connection:
            return connection.execute(query, parameters).fetchall()

    def do(self, statement: str, *parameters: Any) -> None:
        with self.pool.connection() as connection:
            connection.execute(statement, parameters)

    def commands_waiting(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM saga_commands ORDER BY created_at")]

    def timers_set(self) -> list[str]:
        return [token for (token,) in self.rows("SELECT token FROM saga_timers ORDER BY token")]

    def let_time_pass(self) -> None:
        """Every timer, lease and pause is over."""
        for table in ("saga_timers", "saga_commands", "effects"):
            self.do(f"UPDATE {table} SET due_at = clock_timestamp() - interval '1 second'")

    def steps(self, asset_id: AssetId) -> list[str]:
        """The states that the asset's ingest went through."""
        stream = self.log.events.stream(IngestId.beside(asset_id))
        return [step.to_json()["data"]["state"] for step in stream]

    def types(self, stream_id: str) -> list[str]:
        return [envelope.type for envelope in self.log.events.stream(stream_id)]

    def _unit(self) -> Any:
        context = CommandContext(ACCOUNT, WORKSPACE, CommandId.new(), CorrelationId.new())
        return self.commands.unit(context, input={})

    def _change(self, asset_id: AssetId, rule: Any, **said: Any) -> None:
        unit = self._unit()
        unit.change(asset, asset_id, rule, **said)
        unit.commit()


def poll(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    """Until it holds; fails when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def all_at_once(work: Callable[[], object], workers: int = 4) -> None:
    """The same work in several threads; the first failure is raised."""
    with ThreadPoolExecutor(workers) as threads:
        for result in [threads.submit(work) for _ in range(workers)]:
            result.result(timeout=60)
