from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.tail import LogTail
from processors.rebuild import Rebuilder
from tests.conftest import Database
from tests.integration.consumers.support import Writer, codec_of, pool_of
from tests.roles import set_the_stage


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    with pool_of(set_the_stage(database).worker_url) as pool:
        yield pool


@pytest.fixture
def writer(database: Database) -> Iterator[Writer]:
    writer = Writer(database.app_url)
    yield writer
    writer.close()


@pytest.fixture
def store_log(database: Database, pool: ConnectionPool) -> Iterator[StoreLog]:
    tail = LogTail(database.worker_url)
    yield StoreLog(database.worker_url, pool, tail)
    tail.close()


@pytest.fixture
def progress(pool: ConnectionPool) -> LogProgress:
    return LogProgress(pool, "postgres")


@pytest.fixture
def rebuilder(pool: ConnectionPool) -> Rebuilder:
    return Rebuilder(pool, codec_of(pool), "postgres")
