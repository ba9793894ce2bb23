"""A fetch waits long for a record, and nobody waits for the fetch."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from psycopg_pool import ConnectionPool

from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.port import LogItem, LogReader, Vector
from tests.integration.consumers.support import Writer, eventually, proofs_of

# Of a fetch: what had to wait for one would fail.
LONG_S = 120.0

CATEGORIES = ("analysis", "asset")


@pytest.fixture(autouse=True)
def fetches_wait_long(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = KafkaConfig.consumer
    waiting_ms = int(LONG_S * 1000)
    waiting = {"fetch_max_wait_ms": waiting_ms, "request_timeout_ms": 2 * waiting_ms}
    monkeypatch.setattr(KafkaConfig, "consumer", lambda config: settings(config) | waiting)


def reader_of(config: KafkaConfig, pool: ConnectionPool) -> LogReader:
    KafkaTopics(config).ensure(CATEGORIES)
    return KafkaLog(config, proofs_of(pool)).reader("tally", CATEGORIES, Vector)


def read(reader: LogReader, count: int, within_s: float = LONG_S / 2) -> list[LogItem]:
    items: list[LogItem] = []
    deadline = time.monotonic() + within_s
    while len(items) < count and time.monotonic() < deadline:
        items += reader.poll(100, 1.0)
    return items


def positions(items: Sequence[LogItem]) -> list[int]:
    return sorted(item.envelope.position for item in items)


def test_a_batch_that_is_rolled_back_is_read_again_at_once(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    reader = reader_of(config, pool)
    with relaying():
        last = writer.lives(2)
        first = read(reader, last)
        assert not reader.poll(100, 0.5)  # and now a fetch is on its way
        reader.rewind()
        assert positions(read(reader, last)) == positions(first) == list(range(1, last + 1))
    reader.close()


def test_a_record_ends_the_wait(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    reader = reader_of(config, pool)
    with relaying():
        last = writer.lives(1)
        read(reader, last)
        assert not reader.poll(100, 0.5)
        new = writer.lives(1, seed=2) - last
        assert len(read(reader, new)) == new
    reader.close()


def test_partitions_that_come_while_a_fetch_waits_are_read_at_once(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    reader = reader_of(config, pool)
    with relaying():
        last = writer.lives(2)
        read(reader, last)
        assert not reader.poll(100, 0.5)
        # As the group says it, in the client's own thread. No checkpoint: read from the start.
        reader._remember(reader._consumer.assignment())
        assert len(read(reader, last)) == last
    reader.close()


@pytest.mark.parametrize("joined", [True, False], ids=["waiting for records", "joining"])
def test_a_reader_that_waits_ends_when_it_is_told(
    pool: ConnectionPool, config: KafkaConfig, joined: bool
):
    reader = reader_of(config, pool)
    if joined:
        eventually(lambda: not reader.poll(100, 0.2) and reader.joined)
    assert polled_until_told(reader) == [[]]
    assert reader.poll(100, LONG_S) == []
    reader.close()


def test_a_reader_that_asks_for_offsets_ends_when_it_is_told(
    config: KafkaConfig, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
):
    """Regression: out of this wait came an error, and the consumer left its group and joined anew.
    On a busy machine every reader that has just been given its partitions stands here.
    """
    reader = reader_of(config, pool)
    eventually(lambda: not reader.poll(100, 0.2) and reader.joined)
    consumer = reader._consumer
    monkeypatch.setattr(
        consumer,
        "_refresh_committed_offsets",
        lambda timeout_ms: consumer._net.run(consumer._net.sleep, LONG_S),
    )
    assert polled_until_told(reader) == [[]]
    reader.close()


def polled_until_told(reader: LogReader) -> list[Sequence[LogItem]]:
    """What a poll that may wait for long answers to a reader who is told to end meanwhile; nothing
    if it raised.
    """
    answers: list[Sequence[LogItem]] = []
    polling = threading.Thread(target=lambda: answers.append(reader.poll(100, LONG_S)))
    began = time.monotonic()
    polling.start()
    while polling.is_alive() and time.monotonic() - began < LONG_S:
        reader.end()
        polling.join(0.05)
    assert time.monotonic() - began < LONG_S / 2
    return answers
