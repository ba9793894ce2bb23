"""What a consumer has committed outlives a crash of Postgres: in memory it is further already."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from events.log.partitions import STORE
from events.log.port import Checkpoint, LogItem
from events.store.postgres import PostgresEvents
from processors.consumers.batch import Batches
from processors.consumers.checkpoints import rows_of
from processors.consumers.group import Group
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import register
from runtime.engines.postgres import EmbeddedPostgres
from runtime.migrate import migrate
from tests.integration.consumers.support import Shelf, Writer, codec_of, pool_of


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    engine = EmbeddedPostgres(tmp_path / "postgres")
    engine.start()
    migrate(engine.owner_url)
    yield engine
    engine.stop()


def test_a_batch_that_was_applied_is_there_after_a_crash(engine: EmbeddedPostgres):
    """Regression: committed with synchronous_commit off, the crash took the row and its checkpoint
    while the worker went on behind them: the view stood still until the partition's next event.
    """
    with pool_of(engine.worker_url) as pool:
        writer = Writer(engine.app_url)
        consumer = ProjectionConsumer(Shelf())
        register(pool, consumer, [STORE])
        group = Group()
        with pool.connection() as connection:
            (row,) = rows_of(connection, consumer.name)
        group.join(consumer, row.build, row.partition)
        consumer.use_build(row.build)
        asset, position = writer.upload()
        envelope = PostgresEvents(pool).after(position - 1, 1)[0]
        Batches(pool, codec_of(pool)).process(
            group, [LogItem(envelope, STORE, Checkpoint(position))]
        )
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        writer.close()
    engine.stop()
    engine.start()
    with psycopg.connect(engine.app_url) as connection:
        rows = connection.execute("SELECT asset_id FROM views.shelf").fetchall()
        reached = connection.execute("SELECT position FROM checkpoints").fetchall()
    assert rows == [(asset,)]
    assert reached == [(position,)]
