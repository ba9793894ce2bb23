"""Partitions that a full lane held are read on from where they were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest
from psycopg_pool import ConnectionPool

from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.port import LoadVector, LogItem, LogPartition, LogReader, Vector
from events.log.progress import LogProgress
from processors.consumers import engine
from processors.rebuild import Rebuilder
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

CATEGORIES = ("analysis", "asset")


def test_what_was_fetched_of_a_held_partition_was_forgotten_once_another_was_read_to_its_end(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, relaying
):
    """kafka-python kept it aside for ever, and asked for no more of that partition."""
    KafkaTopics(config).ensure(CATEGORIES)
    reader = KafkaLog(config, proofs_of(pool)).reader("tally", CATEGORIES, Vector)
    with relaying():
        asset, _ = writer.upload()
        for attempt in range(1, 20):
            last = writer.request_analysis(asset, attempt)
        items: list[LogItem] = []
        held = _first(reader, items, lambda item: item.envelope.category == "analysis")
        reader.hold({held.partition})
        _, last = writer.upload()
        _first(reader, items, lambda item: item.checkpoint.position == last)
        reader.hold(set())
        eventually(lambda: items.extend(reader.poll(100, 0.2)) or len(items) == last)
    reader.close()
    assert sorted(item.checkpoint.position for item in items) == list(range(1, last + 1))


def _first(reader: LogReader, items: list[LogItem], wanted: Callable[[LogItem], bool]) -> LogItem:
    """Reads one by one until there is such an item: the rest of what was fetched stays behind."""
    eventually(lambda: items.extend(reader.poll(1, 0.2)) or any(map(wanted, items)))
    return next(filter(wanted, items))


class Forgets:
    """A log whose first reader gives nothing of any analysis, and does not know it."""

    def __init__(self, kafka_log: KafkaLog) -> None:
        self._log, self._readers = kafka_log, 0

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return self._log.partitions(categories)

    def reader(self, consumer: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        reader = self._log.reader(consumer, categories, load)
        self._readers += 1
        if self._readers == 1:
            poll = reader.poll
            reader.poll = lambda limit, timeout_s: [
                item for item in poll(limit, timeout_s) if item.envelope.category != "analysis"
            ]
        return reader


def test_a_worker_whose_reader_gives_no_more_of_a_partition_reads_it_anew(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    progress: LogProgress,
    rebuilder: Rebuilder,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """Regression: a worker stood still at 70 % of a million events without a line in its log."""
    monkeypatch.setattr(engine, "STANDING_CHECK_S", 0.2)
    monkeypatch.setattr(engine, "STANDS_S", 0.5)
    monkeypatch.setattr(engine, "EPOCH_CHECK_S", 0.1)
    make_tally(pool)
    KafkaTopics(config).ensure(CATEGORIES)
    asset, _ = writer.upload()
    last = writer.request_analysis(asset, 1)
    forgets = Forgets(KafkaLog(config, proofs_of(pool)))
    with caplog.at_level(logging.ERROR), relaying(), running([Tally()], forgets, pool, rebuilder):
        caught_up(progress, "tally", last, 40)
    assert tallied(pool) == list(range(1, last + 1))
    assert "the reader gives no more of noculture.events.analysis/" in caplog.text
