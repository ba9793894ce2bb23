"""Checkpoints reach their topic whatever happens; Kafka shows what Postgres hides."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from psycopg_pool import ConnectionPool

from events.log.kafka_checkpoints import CHECKPOINTS_TOPIC, CheckpointTopic
from events.log.kafka_config import KafkaConfig
from events.log.progress import LogProgress
from events.store.checkpoints import Checkpoint, CheckpointFile, signed
from events.store.log_keys import OneKey
from events.store.signing import LogSigner
from processors.checkpointer import Checkpointer
from processors.compare import compare
from tests.conftest import Database
from tests.integration.consumers.support import Writer, eventually, proofs_of
from tests.integration.store.tampering import rehash_from

SIGNER = LogSigner(b"s" * 32)


def in_topic(config: KafkaConfig) -> list[bytes | None]:
    consumer = KafkaConsumer(**config.consumer(), group_id=None)
    partition = TopicPartition(config.named(CHECKPOINTS_TOPIC), 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end, read = consumer.end_offsets([partition])[partition], []
    while consumer.position(partition) < end:
        for records in consumer.poll(timeout_ms=500).values():
            read += [record.value for record in records]
    consumer.close(autocommit=False)
    return read


def published(config: KafkaConfig) -> list[Checkpoint]:
    return [Checkpoint.from_json(json.loads(value)) for value in in_topic(config)]


def checkpointer(pool: ConnectionPool, path: Path, config: KafkaConfig) -> Checkpointer:
    """A new one knows nothing of what an earlier one did, as after a restart."""
    return Checkpointer(pool, CheckpointFile(path), OneKey(SIGNER), CheckpointTopic(config))


def test_the_topic_catches_up_after_a_crash_and_after_it_was_lost(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, tmp_path: Path
):
    path = tmp_path / "log.jsonl"
    sizes = []
    for seed in range(3):
        sizes.append(writer.lives(5, seed=seed))
        # Signed, and then the process is gone before it exported anything.
        checkpointer(pool, path, config).sign()
    checkpointer(pool, path, config).export()
    assert [checkpoint.size for checkpoint in published(config)] == sizes
    checkpointer(pool, path, config).export()
    assert len(published(config)) == 3
    sizes.append(writer.lives(5, seed=9))
    once_more = checkpointer(pool, path, config)
    once_more.sign()
    once_more.export()
    once_more.export()
    assert [checkpoint.size for checkpoint in published(config)] == sizes
    assert all(checkpoint.is_signed_by(SIGNER.public_key) for checkpoint in published(config))
    admin = KafkaAdminClient(**config.client())
    name = config.named(CHECKPOINTS_TOPIC)
    admin.delete_topics([name])
    eventually(lambda: name not in admin.list_topics())
    checkpointer(pool, path, config).export()
    assert [checkpoint.size for checkpoint in published(config)] == sizes
    admin.delete_topics([name])
    admin.close()


def test_what_somebody_else_writes_to_the_topic_keeps_no_checkpoint_back(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, tmp_path: Path
):
    path = tmp_path / "log.jsonl"
    sizes = [writer.lives(5)]
    first = checkpointer(pool, path, config)
    true = first.sign()
    first.export()
    forged = signed(replace(true, size=10**9), LogSigner(b"t" * 32))
    written = [json.dumps(forged.to_json()).encode(), b"", b"[]", b"{}", b"\xff"]
    producer = KafkaProducer(**config.client())
    for value in written:
        producer.send(config.named(CHECKPOINTS_TOPIC), value, b"log")
    producer.send(config.named(CHECKPOINTS_TOPIC), None, b"log")
    producer.flush(30)
    producer.close()
    sizes.append(writer.lives(5, seed=2))
    second = checkpointer(pool, path, config)
    second.sign()
    second.export()
    values = in_topic(config)
    assert [value for value in values if value in written or value is None] == [*written, None]
    assert [json.loads(value)["size"] for value in (values[0], values[-1])] == sizes
    assert len(values) == len(written) + 3


@pytest.mark.parametrize("damage", ["cut", "rewritten"])
def test_comparing_with_kafka_finds_a_cut_tail_and_a_rehashed_suffix(
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    relaying,
    damage: str,
):
    head = writer.lives(10)
    with relaying():
        eventually(lambda: LogProgress(pool, "kafka").relayed() >= head, 30)
    assert compare(pool, config, proofs_of(pool)).ok
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        if damage == "cut":
            owner.execute("DELETE FROM events WHERE position > %s", (head - 4,))
        else:
            rehash_from(owner, head - 3, b'{"forged": true}')
    found = compare(pool, config, proofs_of(pool), settle_s=0)
    assert not found.ok
    assert found.extra == 4
    assert found.missing == (0 if damage == "cut" else 4)
