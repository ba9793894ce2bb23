"""Workers that are killed in the middle of a batch, and workers that join, lose and double nothing
and stop nobody.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from psycopg_pool import ConnectionPool

from events.log import kafka
from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.progress import LogProgress
from processors.rebuild import Rebuilder
from runtime.installation import ROOT
from tests.conftest import Database
from tests.integration.consumers.support import (
    Tally,
    Writer,
    caught_up,
    eventually,
    make_tally,
    proofs_of,
    running,
    tallied,
)
from tests.kafka.for_child import environment


@contextmanager
def worker(
    database: Database, config: KafkaConfig, parked_at: int = 0
) -> Iterator[subprocess.Popen[str]]:
    """A worker process, killed with SIGKILL at the end."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.consumer_process", database.worker_url, str(parked_at)],
        cwd=ROOT,
        env=environment(config),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def test_a_worker_killed_inside_a_batch_s_transaction_loses_and_doubles_nothing(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    last = writer.lives(40)
    with relaying():
        with worker(database, config, parked_at=last // 2) as child:
            assert child.stdout.readline() == "parked\n"
            before = tallied(pool)
            assert last // 2 not in before
        with running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
            caught_up(progress, "tally", writer.lives(10, seed=2), 60)
    assert tallied(pool) == list(range(1, writer.head() + 1))


@pytest.mark.parametrize("seed", [3])
def test_of_two_workers_one_is_killed_again_and_again_under_load(
    seed: int,
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    chance, end = random.Random(seed), threading.Event()
    make_tally(pool)
    named = replace(config, member="worker-2")

    def write() -> None:
        number = 1
        while not end.is_set():
            writer.lives(5, seed=number)
            number += 1

    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        writing = threading.Thread(target=write)
        writing.start()
        try:
            for _ in range(3):
                with worker(database, named):
                    time.sleep(chance.uniform(0.2, 2.0))
        finally:
            end.set()
            writing.join()
        caught_up(progress, "tally", writer.head(), 60)
    assert tallied(pool) == list(range(1, writer.head() + 1))


def test_a_worker_that_joins_takes_some_partitions_and_stops_no_other(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    revoked: set[object] = set()
    readers: list[kafka._KafkaReader] = []
    make = KafkaLog.reader

    def remembering(self, *arguments):
        readers.append(make(self, *arguments))
        return readers[-1]

    def on_revoked(self, partitions) -> None:
        # Only the first worker gives any up.
        revoked.update(partitions)

    monkeypatch.setattr(KafkaLog, "reader", remembering)
    monkeypatch.setattr(kafka._Listener, "on_partitions_revoked", on_revoked)
    make_tally(pool)
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(progress, "tally", writer.lives(20), 40)
        everything = set(readers[0]._consumer.assignment())
        assert len(everything) == 24
        assert not revoked
        with running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
            eventually(lambda: len(readers) == 2 and len(_assigned(readers[1])) == 12)
            kept = _assigned(readers[0])
            assert revoked == everything - kept
            assert len(kept) == 12, "twelve were never taken away"
            caught_up(progress, "tally", writer.lives(10, seed=2), 40)
        assert tallied(pool) == list(range(1, writer.head() + 1))


def _assigned(reader: kafka._KafkaReader) -> set[object]:
    return set(reader._consumer.assignment())
