"""Partitions that a full lane held are read on from where they were."""

from __future__ import annotations

from collections.abc import Callable

from psycopg_pool import ConnectionPool

from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.port import LogItem, LogReader, Vector
from tests.integration.consumers.support import Writer, eventually, proofs_of

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
