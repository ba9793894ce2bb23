from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from tests.conftest import Database
from tests.integration.sagas.ingests import Ingests
from tests.roles import set_the_stage


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    """A worker's: what it does is done with its rights."""
    with ConnectionPool(
        set_the_stage(database).worker_url, min_size=1, max_size=12, kwargs={"autocommit": True}
    ) as p:
        yield p


@pytest.fixture
def ingests(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
) -> Ingests:
    return Ingests(commands, log, pool, codec)
