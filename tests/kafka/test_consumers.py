"""Workers of one group share a consumer's partitions; every event is applied exactly once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from kafka.admin import KafkaAdminClient
from psycopg_pool import ConnectionPool

from events.log import kafka
from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.partitions import topic_of
from events.log.port import LoadVector, LogReader
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.proving import RecordProofs
from events.log.tail import LogTail
from processors.consumers import feed
from processors.consumers.lane import Lane
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from processors.recover import recover
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Tally,
    Writer,
    caught_up,
    eventually,
    expected_rows,
    make_tally,
    proofs_of,
    rows_of,
    running,
    tallied,
)


def once(pool: ConnectionPool, last: int) -> bool:
    return tallied(pool) == list(range(1, last + 1))


def test_workers_come_and_go_and_every_event_is_applied_once(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(progress, "tally", writer.lives(30), 40)
        positions: list[int] = []
        writing = threading.Thread(target=lambda: positions.append(writer.lives(150, seed=2)))
        writing.start()
        with running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
            eventually(lambda: _members(config) == 2)
        writing.join()
        caught_up(progress, "tally", positions[0], 40)
        assert once(pool, positions[0])


class Half(Tally):
    """Beside the tally in its lane, with fewer topics and a table of its own."""

    name, categories = "half", ("asset",)

    def apply(self, connection, events) -> None:
        connection.cursor().executemany(
            "INSERT INTO half (position) VALUES (%s)", [(event.position,) for event in events]
        )


def test_under_load_two_workers_stay_and_a_third_comes_and_goes(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    with pool.connection() as connection:
        connection.execute("CREATE TABLE half (position bigint NOT NULL)")

    def worker():
        return running([Tally(), Half()], KafkaLog(config, proofs_of(pool)), pool, rebuilder)

    done = threading.Event()

    def write() -> None:
        for seed in range(1, 1_000):
            writer.lives(2, seed=seed)
            if done.wait(0.05):
                return

    with relaying(), worker(), worker():
        caught_up(progress, "tally", writer.lives(2), 40)
        writing = threading.Thread(target=write)
        writing.start()
        try:
            for members in (3, 3):
                with worker():
                    eventually(lambda members=members: _members(config) == members, 40)
                eventually(lambda: _members(config) == 2, 40)
        finally:
            done.set()
            writing.join()
        for name in ("tally", "half"):
            caught_up(progress, name, writer.head(), 40)
    assert once(pool, writer.head())
    with pool.connection() as connection:
        half = connection.execute("SELECT position FROM half ORDER BY 1").fetchall()
        assets = connection.execute(
            "SELECT position FROM events WHERE category = 'asset' ORDER BY 1"
        ).fetchall()
    assert half == assets


class SlowTally(Tally):
    """Takes its time, and remembers how many items its lane had waiting."""

    batch_size = 5

    def __init__(self, lanes: list[Lane]) -> None:
        super().__init__()
        self._lanes, self.waiting = lanes, 0

    def apply(self, connection, events) -> None:
        super().apply(connection, events)
        self.waiting = max([self.waiting, *(lane.waiting for lane in self._lanes)])
        time.sleep(0.05)


def test_a_full_lane_holds_its_partitions_until_half_of_it_is_done(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(feed, "MOST_WAITING", 20)
    monkeypatch.setattr(feed, "LIMIT", 10)
    make_tally(pool)
    last, lanes = writer.lives(100), []
    tally = SlowTally(lanes)
    with (
        relaying(),
        running([tally], KafkaLog(config, proofs_of(pool)), pool, rebuilder) as engine,
    ):
        lanes += engine._lanes
        caught_up(progress, "tally", last, 60)
    assert once(pool, last)
    assert 20 < tally.waiting <= 20 + 2 * 10 < last


def _members(config: KafkaConfig) -> int:
    admin = KafkaAdminClient(**config.client())
    try:
        group = config.named("noculture.workers")
        described = admin.describe_groups([group])[group]
        assigned = [member for member in described["members"] if member["member_assignment"]]
        return len(assigned)
    finally:
        admin.close()


def test_a_member_with_a_name_takes_its_partitions_over(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    named = replace(config, member="worker-1")
    with relaying():
        for seed in (1, 2):
            with running([Tally()], KafkaLog(named, proofs_of(pool)), pool, rebuilder):
                last = writer.lives(10, seed=seed)
                caught_up(progress, "tally", last)
    assert once(pool, last)


def test_topics_made_anew_are_read_from_the_start_and_applied_no_second_time(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(progress, "tally", writer.lives(30), 40)
        assert recover(database.owner_url, pool, config, proofs_of(pool), rebuilder, []).epoch == 2
        last = writer.lives(10, seed=2)
        caught_up(progress, "tally", last, 60)
    assert once(pool, last)


def test_an_installation_changes_between_kafka_and_the_store_and_back(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    kafka_log = KafkaLog(config, proofs_of(pool))
    with relaying(), running([Tally()], kafka_log, pool, rebuilder):
        caught_up(LogProgress(pool, "kafka"), "tally", writer.lives(20), 40)
    tail = LogTail(database.worker_url)
    with running([Tally()], StoreLog(database.worker_url, pool, tail), pool, rebuilder):
        last = writer.lives(20, seed=2)
        caught_up(LogProgress(pool, "postgres"), "tally", last)
    tail.close()
    assert once(pool, last)
    with relaying(), running([Tally()], kafka_log, pool, rebuilder):
        last = writer.lives(20, seed=3)
        caught_up(LogProgress(pool, "kafka"), "tally", last, 40)
    assert once(pool, last)


def test_a_read_model_is_rebuilt_beside_the_live_one_under_writes(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    with (
        relaying(),
        running([ProjectionConsumer(Shelf())], KafkaLog(config, proofs_of(pool)), pool, rebuilder),
    ):
        caught_up(progress, "shelf", writer.lives(30), 40)
        positions: list[int] = []
        writing = threading.Thread(target=lambda: positions.append(writer.lives(100, seed=2)))
        writing.start()
        rebuilt = [rebuilder.rebuild(ProjectionConsumer(Shelf())) for _ in range(3)]
        writing.join()
        caught_up(progress, "shelf", positions[0], 40)
        assert [one.identical for one in rebuilt] == [True, True, True]
        assert rows_of(pool) == expected_rows(pool)


def test_a_topic_deleted_by_hand_comes_back_without_loss(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
):
    make_tally(pool)
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        caught_up(progress, "tally", writer.lives(10), 40)
    admin = KafkaAdminClient(**config.client())
    admin.delete_topics([config.named(topic_of("asset"))])
    eventually(lambda: config.named(topic_of("asset")) not in admin.list_topics())
    admin.close()
    with relaying(), running([Tally()], KafkaLog(config, proofs_of(pool)), pool, rebuilder):
        last = writer.lives(10, seed=2)
        caught_up(progress, "tally", last, 40)
    assert once(pool, last)


class Watched(KafkaLog):
    """Keeps the readers that it gave out."""

    def __init__(self, config: KafkaConfig, proofs: RecordProofs) -> None:
        super().__init__(config, proofs)
        self.readers: list[LogReader] = []

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        self.readers.append(super().reader(consumer, categories, load))
        return self.readers[-1]


def test_a_reader_whose_heartbeats_have_ended_joins_anew(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    """Regression: after kill -9 in the midst of a rebalance a worker took itself for a member and
    stood still for five minutes.
    """
    make_tally(pool)
    log = Watched(config, proofs_of(pool))
    with relaying(), running([Tally()], log, pool, rebuilder):
        caught_up(progress, "tally", writer.lives(3), 40)
        monkeypatch.setattr(kafka, "SILENT_S", 3.0)
        log.readers[0]._consumer._coordinator._close_heartbeat()
        eventually(lambda: len(log.readers) == 2, 40)
        last = writer.lives(3, seed=2)
        caught_up(progress, "tally", last, 40)
        assert once(pool, last)
        assert len(log.readers) == 2
