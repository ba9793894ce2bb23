"""Reading topics from outside any group: everything that is committed now, or just each partition's
last record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from events.log.errors import NotOurRecord
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.partitions import LogPartition

STALLED_S = 30.0
FIRST_STEP_BACK = 64


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """The fields that identify an event on Kafka."""

    partition: LogPartition
    position: int
    hash: bytes
    source: str
    offset: int


def read_events(config: KafkaConfig, topics: Sequence[str]) -> Iterator[SeenRecord]:
    """Every committed record of these topics up to the ends that they have now, in order per
    partition.
    """
    with _consumer(config) as consumer:
        assigned = _assign(consumer, config, topics)
        if not assigned:
            return
        consumer.seek_to_beginning(*assigned)
        for partition, records in _until_ends(consumer, assigned):
            for record in records:
                yield _seen(config, partition, record)


def last_events(config: KafkaConfig, topics: Sequence[str]) -> dict[LogPartition, SeenRecord]:
    """Each partition's last committed record; empty ones are left out."""
    with _consumer(config) as consumer:
        last = _last_records(consumer, _assign(consumer, config, topics))
        return {
            (seen := _seen(config, partition, record)).partition: seen
            for partition, record in last.items()
        }


def last_progress(config: KafkaConfig) -> bytes | None:
    """The value of the relay's last progress record."""
    with _consumer(config) as consumer:
        last = _last_records(consumer, _assign(consumer, config, [RELAY_TOPIC]))
        return next((bytes(record.value) for record in last.values()), None)


def _last_records(
    consumer: KafkaConsumer, assigned: Sequence[TopicPartition]
) -> dict[TopicPartition, Any]:
    """Steps back further and further where only markers of transactions (or aborted records) are at
    the end.
    """
    last: dict[TopicPartition, Any] = {}
    if not assigned:
        return last
    starts = consumer.beginning_offsets(list(assigned))
    ends = consumer.end_offsets(list(assigned))
    wanting = {p for p in assigned if ends[p] > starts[p]}
    step = FIRST_STEP_BACK
    while wanting:
        consumer.assign(list(wanting))
        for partition in wanting:
            consumer.seek(partition, max(ends[partition] - step, starts[partition]))
        for partition, records in _until(consumer, {p: ends[p] for p in wanting}):
            last[partition] = records[-1]
        wanting = {p for p in wanting - set(last) if ends[p] - step > starts[p]}
        step *= 16
    return last


def _until_ends(
    consumer: KafkaConsumer, assigned: Sequence[TopicPartition]
) -> Iterator[tuple[TopicPartition, list[Any]]]:
    yield from _until(consumer, consumer.end_offsets(list(assigned)))


def _until(
    consumer: KafkaConsumer, ends: dict[TopicPartition, int]
) -> Iterator[tuple[TopicPartition, list[Any]]]:
    """Polls until every partition has been read to its end. Raises KafkaTimeoutError if nothing
    moves.
    """
    deadline = time.monotonic() + STALLED_S
    waiting = dict(ends)
    while waiting:
        for partition, records in consumer.poll(timeout_ms=200, max_records=5_000).items():
            deadline = time.monotonic() + STALLED_S
            within = [record for record in records if record.offset < ends[partition]]
            if within:
                yield partition, within
        for partition in [p for p, end in waiting.items() if consumer.position(p) >= end]:
            del waiting[partition]
            consumer.pause(partition)
        if time.monotonic() > deadline:
            raise KafkaTimeoutError(f"nothing comes from {sorted(waiting)} any more")


def _assign(
    consumer: KafkaConsumer, config: KafkaConfig, topics: Sequence[str]
) -> list[TopicPartition]:
    assigned = [
        TopicPartition(config.named(topic), number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(config.named(topic)) or ())
    ]
    consumer.assign(assigned)
    return assigned


def _seen(config: KafkaConfig, partition: TopicPartition, record: Any) -> SeenRecord:
    headers = dict(record.headers)
    topic = config.logical(partition.topic)
    try:
        return SeenRecord(
            LogPartition(topic, partition.partition),
            int(headers["ce_position"]),
            bytes.fromhex(headers["ce_hash"].decode()),
            headers["ce_source"].decode(),
            record.offset,
        )
    except (KeyError, ValueError) as error:
        raise NotOurRecord(topic, partition.partition, record.offset) from error


@contextmanager
def _consumer(config: KafkaConfig) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(**config.consumer(), group_id=None)
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False, timeout_ms=2_000)
