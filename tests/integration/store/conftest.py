from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from psycopg_pool import ConnectionPool

from events.ids import AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, PendingEvent
from events.store.subject_keys import PostgresSubjectKeys
from events.times import utc_now
from tests.conftest import Database

TENANT = WorkspaceId.new()


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    with ConnectionPool(
        database.app_url, min_size=1, max_size=12, kwargs={"autocommit": True}
    ) as p:
        yield p


@pytest.fixture
def log(database: Database, pool: ConnectionPool) -> Iterator[PostgresLog]:
    log = PostgresLog(database.app_url, pool)
    yield log
    log.close()


@pytest.fixture
def codec(pool: ConnectionPool) -> EventCodec:
    return EventCodec(PostgresSubjectKeys(pool, b"m" * 32))


def pending(
    stream: str, version: int, *, takes=(), releases=(), data: bytes = b"{}"
) -> PendingEvent:
    return PendingEvent(
        event_id=EventId.new(),
        stream_id=stream,
        stream_version=version,
        category="asset",
        type="asset.tried",
        version=1,
        effective_at=utc_now(),
        data=data,
        takes=takes,
        releases=releases,
    )


def append_of(
    *events: PendingEvent, command: str | None = None, input: bytes = b"i", tenant: str = TENANT
) -> Append:
    return Append(
        command_id=command or CommandId.new(),
        input_hash=input,
        actor=None,
        tenant=tenant,
        correlation_id=CorrelationId.new(),
        causation_id=None,
        events=events,
    )


@pytest.fixture
def a_stream() -> Callable[[], str]:
    return AssetId.new
