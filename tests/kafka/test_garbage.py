"""What is no record of ours on our topics: it is left aside, and nothing stops."""

from __future__ import annotations

import pytest
from kafka import KafkaProducer
from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.log.kafka import KafkaLog
from events.log.kafka_config import KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.partitions import PARTITIONS
from events.log.port import LogReader, Vector
from events.log.records import from_record
from tests.integration.consumers.support import Writer, eventually, proofs_of

CATEGORIES = ("analysis", "asset")
GARBAGE = [
    (b"", []),
    (b"", [("ce_position", b"x")]),
    (b"\xff\xfe", [("ce_id", b"\xff")]),
    (b"{}", [("ce_position", b"")]),
    (b"{}", [("ce_position", b"9" * 5_000)]),
]


def litter(config: KafkaConfig, topic: str) -> None:
    """Something of each kind on every partition."""
    producer = KafkaProducer(**config.client())
    for partition in range(PARTITIONS):
        for value, headers in GARBAGE:
            producer.send(config.named(topic), value, headers=headers, partition=partition)
    producer.flush(30)
    producer.close()


def positions(reader: LogReader, wanted: int) -> list[int]:
    found: list[int] = []

    def read() -> bool:
        found.extend(item.envelope.position for item in reader.poll(100, 1.0))
        return len(found) >= wanted

    eventually(read)
    return sorted(found)


def test_garbage_on_a_topic_stops_no_consumer(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    relaying,
    caplog: pytest.LogCaptureFixture,
):
    KafkaTopics(config).ensure(CATEGORIES)
    reader = KafkaLog(config, proofs_of(pool)).reader("tally", CATEGORIES, Vector)
    with relaying():
        last = writer.lives(1)
        assert positions(reader, last) == list(range(1, last + 1))
        litter(config, "noculture.events.asset")
        head = writer.lives(1, seed=2)
        assert positions(reader, head - last) == list(range(last + 1, head + 1))
    reader.close()
    assert "put aside" in caplog.text


@pytest.mark.parametrize("position", ["0", "-1", str(2**63), "9" * 5_000, "", "x"])
def test_a_position_that_no_log_has_is_no_record_of_ours(position: str):
    with pytest.raises((KeyError, ValueError)):
        from_record(
            "noculture.events.asset",
            b"{}",
            [("ce_position", position.encode()), ("ce_subject", AssetId.new().encode())],
        )
