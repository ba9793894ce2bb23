"""docs/operations.md, another number of partitions: read the store, then `log recover`."""

from __future__ import annotations

import pytest
from psycopg_pool import ConnectionPool

from events.log import kafka_topics, partitions
from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.tail import LogTail
from processors.compare import compare
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from processors.recover import recover
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Writer,
    caught_up,
    expected_rows,
    proofs_of,
    rows_of,
    running,
)


def test_another_number_of_partitions_loses_and_doubles_nothing(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    rebuilder: Rebuilder,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    shelf, tail = ProjectionConsumer(Shelf()), LogTail(database.worker_url)
    with relaying(), running([shelf], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(LogProgress(pool), "shelf", writer.lives(30))
    with running([shelf], StoreLog(database.worker_url, pool, tail), pool, rebuilder):
        caught_up(LogProgress(pool, "postgres"), "shelf", writer.lives(10, seed=2))
    tail.close()
    with monkeypatch.context() as patched:
        for module in (partitions, kafka_topics):
            patched.setattr(module, "PARTITIONS", 5)
        partitions.partition_for.cache_clear()
        recover(database.owner_url, pool, config, proofs_of(pool), rebuilder, [shelf])
        with relaying(), running([shelf], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
            caught_up(LogProgress(pool), "shelf", writer.lives(30, seed=3))
            assert compare(pool, config, proofs_of(pool)).ok
        assert rows_of(pool) == expected_rows(pool)
    partitions.partition_for.cache_clear()
