from __future__ import annotations

import pytest
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from tests.integration.sagas.ingests import Ingests


@pytest.fixture
def ingests(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
) -> Ingests:
    return Ingests(commands, log, pool, codec)
