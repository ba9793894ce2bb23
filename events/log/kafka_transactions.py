"""Transactions in our topics that nobody will ever end.

A broker that stood still for longer than its session (3 s embedded) is fenced by its controller
when it goes on; a coordinator that writes commit markers in that moment finds no leader, takes the
partitions for deleted, leaves the markers out and calls the transaction complete. Its records stay
unreadable, and the next transaction of the same producer would commit them as well: the relay had
published them again by then, so readers got them twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import AbortTransactionSpec, KafkaAdminClient

from events.log.kafka_config import KafkaConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A producer's open transaction in one partition; `start` is its first record's offset."""

    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    coordinator_epoch: int
    start: int


def open_transactions(config: KafkaConfig, topics: Iterable[str]) -> frozenset[OpenTransaction]:
    """All that have begun in these topics and not ended. Raises KafkaError."""
    admin = KafkaAdminClient(**config.client())
    try:
        names = sorted({config.named(topic) for topic in topics} & set(admin.list_topics()))
        partitions = [
            TopicPartition(described["name"], partition["partition_index"])
            for described in (admin.describe_topics(names) if names else ())
            for partition in described["partitions"]
        ]
        return frozenset(
            OpenTransaction(
                place.topic,
                place.partition,
                producer.producer_id,
                producer.producer_epoch,
                producer.coordinator_epoch,
                producer.current_transaction_start_offset,
            )
            for place, state in admin.describe_producers(partitions).items()
            for producer in state.active_producers
            if producer.current_transaction_start_offset >= 0
        )
    finally:
        admin.close()


def abort_all(config: KafkaConfig, topics: Iterable[str]) -> int:
    """Abort what is open; how many there were. Only for somebody who has fenced every producer of
    these topics, so that whatever is open is nobody's. Raises KafkaError.
    """
    hanging = open_transactions(config, topics)
    if not hanging:
        return 0
    admin = KafkaAdminClient(**config.client())
    try:
        for each in hanging:
            log.warning("aborting a transaction that nobody ends: %s", each)
            admin.abort_transaction(
                AbortTransactionSpec(
                    TopicPartition(each.topic, each.partition),
                    each.producer_id,
                    each.producer_epoch,
                    # Never less than the last marker's, or the broker calls us fenced.
                    max(each.coordinator_epoch, 0),
                )
            )
    finally:
        admin.close()
    return len(hanging)
