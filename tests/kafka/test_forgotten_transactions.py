"""A broker that stood still may forget to end a transaction: nothing waits at it, nothing is there
twice.

What the coordinator does then is the broker's; here somebody else begins a transaction in our
topics and never ends it, which looks the same from outside.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer
from psycopg_pool import ConnectionPool

from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_transactions import abort_all, open_transactions
from events.log.partitions import PARTITIONS, topic_of
from events.log.progress import LogProgress
from processors import relay_session
from processors.compare import compare
from tests.integration.consumers.support import Writer, eventually, proofs_of

TOPICS = (topic_of("asset"), RELAY_TOPIC)


@pytest.fixture
def stranger(config: KafkaConfig) -> Iterator[KafkaProducer]:
    settings = config.producer() | {
        "transactional_id": f"{config.prefix}-stranger",
        "transaction_timeout_ms": 300_000,
    }
    producer = KafkaProducer(**settings)
    producer.init_transactions()
    yield producer
    producer._sender.force_close()


def begin_in_every_partition(config: KafkaConfig, stranger: KafkaProducer) -> None:
    stranger.begin_transaction()
    sent = [
        stranger.send(config.named(TOPICS[0]), b"never committed", partition=number)
        for number in range(PARTITIONS)
    ]
    for each in sent:
        each.get(10)


def test_only_what_is_open_is_found_and_it_can_be_aborted(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, stranger: KafkaProducer, relaying
):
    lived = writer.lives(3)
    with relaying():
        eventually(lambda: LogProgress(pool).relayed() >= lived)
        # The coordinator writes its markers after it has answered the commit.
        eventually(lambda: not open_transactions(config, TOPICS))
    begin_in_every_partition(config, stranger)
    found = open_transactions(config, [*TOPICS, "noculture.events.nothing_of_this_name"])
    assert {each.topic for each in found} == {config.named(TOPICS[0])}
    assert {each.partition for each in found} == set(range(PARTITIONS))
    assert abort_all(config, TOPICS) == PARTITIONS
    assert open_transactions(config, TOPICS) == frozenset()


def test_a_relay_that_begins_ends_what_was_forgotten(
    pool: ConnectionPool, config: KafkaConfig, writer: Writer, stranger: KafkaProducer, relaying
):
    lived = writer.lives(10)
    with relaying():
        eventually(lambda: LogProgress(pool).relayed() >= lived)
    begin_in_every_partition(config, stranger)
    last = writer.lives(10, seed=2)
    with relaying():
        eventually(lambda: LogProgress(pool).relayed() >= last)
        # A reader of committed records would not come past the open ones.
        assert compare(pool, config, proofs_of(pool)).ok


def test_a_working_relay_notices_that_readers_wait(
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    stranger: KafkaProducer,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(relay_session, "LOOK_AT_TOPICS_S", 0.2)
    lived = writer.lives(5)
    with relaying():
        eventually(lambda: LogProgress(pool).relayed() >= lived)
        begin_in_every_partition(config, stranger)
        last = writer.lives(5, seed=2)
        eventually(lambda: not open_transactions(config, TOPICS))
        eventually(lambda: LogProgress(pool).relayed() >= last)
        assert compare(pool, config, proofs_of(pool)).ok
