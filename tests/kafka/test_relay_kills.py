"""A relay killed with kill -9 at every point of its work: Kafka has every event once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from events.log.kafka_config import KafkaConfig
from events.log.partitions import topic_of
from events.log.progress import LogProgress
from events.store.postgres import PostgresEvents
from processors.compare import compare
from tests.conftest import Database
from tests.integration.consumers.support import Writer, eventually, proofs_of
from tests.kafka.for_child import environment
from tests.kafka.relay_process import BATCH, POINTS
from tests.kafka.test_relay import forget

SEED = 20


def start(database: Database, config: KafkaConfig, *death: object) -> subprocess.Popen[bytes]:
    program = Path(__file__).with_name("relay_process.py")
    arguments = [database.worker_url, *map(str, death)]
    return subprocess.Popen([sys.executable, str(program), *arguments], env=environment(config))


def test_killed_at_every_point_it_loses_and_doubles_nothing(
    database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    chance = random.Random(SEED)
    for number, point in enumerate(POINTS):
        writer.lives(2 * BATCH, seed=number)
        if point == "while republishing":
            forget(config, topic_of("asset"))
        # Each transaction comes by these points once, each record by one of them.
        times = chance.randrange(1, 3 * BATCH if point == "between two records" else 3)
        killed = start(database, config, point, 1 if point == "in the check" else times)
        assert killed.wait(60) == -signal.SIGKILL, point
    with relaying():
        last = writer.lives(3, seed=99)
        eventually(lambda: LogProgress(pool).relayed() >= last, 30)
        found = compare(pool, config, proofs_of(pool))
    assert found.to_json() == {
        "ok": True,
        "events": last,
        **dict.fromkeys(("missing", "duplicated", "misordered", "extra"), 0),
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_it_loses_and_doubles_nothing(
    seed: int, database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer
):
    chance, progress = random.Random(seed), LogProgress(pool)
    for number in range(3):
        writer.lives(60, seed=number)
        before = progress.relayed()
        relay = start(database, config)
        eventually(lambda at=before: progress.relayed() > at, 40)
        time.sleep(chance.random() * 0.1)
        relay.kill()
        relay.wait()
    relay = start(database, config)
    try:
        head = PostgresEvents(pool).head()
        eventually(lambda: progress.relayed() >= head, 40)
        assert compare(pool, config, proofs_of(pool)).ok
    finally:
        relay.kill()
        relay.wait()
