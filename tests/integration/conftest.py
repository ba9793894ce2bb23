"""The store on a database of its own, for every test below."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.subject_keys import PostgresSubjectKeys
from tests.conftest import Database
from tests.integration.installations import (
    _opened,
    cheaply_hashed,
    fresh_proofs,
    installation,
    musician,
    own_installation,
    tenants,
    visitor,
)
from tests.integration.libraries import http, library

# Fixtures of whole installations, for the tests of every area.
__all__ = [
    "_opened",
    "fresh_proofs",
    "http",
    "installation",
    "library",
    "musician",
    "own_installation",
    "tenants",
    "visitor",
]


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


@pytest.fixture
def commands(log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> Commands:
    return Commands(log, pool, codec, b"k" * 32)


@pytest.fixture(scope="module", autouse=True)
def cheap_hashes() -> Iterator[None]:
    with cheaply_hashed():
        yield
