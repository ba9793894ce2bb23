"""Reading topics from outside any group: everything that is committed now, or just each partition's
last record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from events.envelope import Envelope
from events.log.kafka_batches import put_unreadable_batches_aside
from events.log.kafka_config import KafkaConfig
from events.log.partitions import LogPartition

Found = TypeVar("Found")
STALLED_S = 30.0
FIRST_STEP_BACK = 64

put_unreadable_batches_aside()


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """An event on Kafka, and where it lies."""

    partition: LogPartition
    offset: int
    source: str
    envelope: Envelope
    proven: bool

    @property
    def position(self) -> int:
        return self.envelope.position


# Reads a record of a partition; None for one that is put aside.
Seeing = Callable[[LogPartition, Any], SeenRecord | None]


def read_records(
    config: KafkaConfig, topics: Sequence[str]
) -> Iterator[tuple[LogPartition, list[Any]]]:
    """Every committed record of these topics up to the ends that they have now, in order per
    partition.
    """
    with _consumer(config) as consumer:
        assigned = _assign(consumer, config, topics)
        if not assigned:
            return
        consumer.seek_to_beginning(*assigned)
        for partition, records in _until_ends(consumer, assigned):
            yield _logical(config, partition), records


def last_events(
    config: KafkaConfig, topics: Sequence[str], seeing: Seeing
) -> dict[LogPartition, SeenRecord]:
    """Each partition's last committed event, whatever else lies behind it; empty ones are left out.

    Of the records looked at it is the one with the highest position: an earlier one that somebody
    wrote again is not where the partition ends.
    """

    def furthest(
        partition: TopicPartition, records: Sequence[Any], before: SeenRecord | None
    ) -> SeenRecord | None:
        found = [before, *(seeing(_logical(config, partition), record) for record in records)]
        return max(filter(None, found), key=lambda seen: seen.position, default=None)

    with _consumer(config) as consumer:
        last = _last(consumer, _assign(consumer, config, topics), furthest)
        return {_logical(config, partition): seen for partition, seen in last.items()}


def last_value(config: KafkaConfig, topic: str, counts: Callable[[Any], bool]) -> bytes | None:
    """The value of the last record, of those that count; of a topic with one partition."""

    def newest(
        _partition: TopicPartition, records: Sequence[Any], before: bytes | None
    ) -> bytes | None:
        return next((bytes(record.value) for record in reversed(records) if counts(record)), before)

    with _consumer(config) as consumer:
        last = _last(consumer, _assign(consumer, config, [topic]), newest)
        return next(iter(last.values()), None)


def _last(
    consumer: KafkaConsumer,
    assigned: Sequence[TopicPartition],
    choose: Callable[[TopicPartition, Sequence[Any], Found | None], Found | None],
) -> dict[TopicPartition, Found]:
    """Steps back further and further where only markers of transactions, aborted records, or what
    `choose` does not want are at the end.
    """
    last: dict[TopicPartition, Found] = {}
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
            if (found := choose(partition, records, last.get(partition))) is not None:
                last[partition] = found
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


def _logical(config: KafkaConfig, partition: TopicPartition) -> LogPartition:
    return LogPartition(config.logical(partition.topic), partition.partition)


@contextmanager
def _consumer(config: KafkaConfig) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(**config.consumer(), group_id=None)
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False, timeout_ms=2_000)
