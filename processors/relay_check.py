"""Is what Kafka holds a beginning of what the store holds? What a partition lost is published
again, nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from events.log.errors import LogAhead, LogDiffers
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_reading import SeenRecord, last_events, last_progress
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_transactions import abort_all
from events.log.outgoing import OutgoingRecords
from events.log.partitions import LogPartition, category_of
from events.store.postgres import PostgresEvents
from processors.publisher import Progress, Publisher, last_positions

logger = logging.getLogger(__name__)
Last = Mapping[LogPartition, SeenRecord]


def check(
    store: PostgresEvents,
    log: OutgoingRecords,
    config: KafkaConfig,
    publisher: Publisher,
    batch: int,
) -> Progress:
    """Where the relay goes on. Raises LogAhead or LogDiffers; `publisher` has fenced all others
    before.
    """
    topics = KafkaTopics(config).events()
    # With every other publisher fenced, a transaction that is still open was forgotten by its
    # coordinator: committed with the next one, its records would be there twice.
    abort_all(config, [*topics, RELAY_TOPIC])
    last = last_events(config, topics)
    _compare(store, last, publisher.source)
    publisher.expect({partition: seen.offset + 1 for partition, seen in last.items()})
    value = last_progress(config)
    promised = None if value is None else Progress.from_bytes(value, publisher.source)
    if promised and promised.position > (head := store.head()):
        raise LogAhead(RELAY_TOPIC, promised.position, head)
    progress = Progress(
        max([seen.position for seen in last.values()] + [promised.position if promised else 0]),
        {partition: seen.position for partition, seen in last.items()},
    )
    kept = promised is not None and not promised.refilling and promised.heads == progress.heads
    if not kept and progress.position > 0:
        _republish(log, publisher, progress, promised, batch)
    return progress


def _compare(store: PostgresEvents, last: Last, source: str) -> None:
    """Each partition's last committed record against the store: position and hash."""
    head = store.head()
    for partition, seen in last.items():
        if seen.source != source:
            raise LogDiffers(str(partition), f"its source is {seen.source}, ours {source}")
        stored = store.after(seen.position - 1, 1)
        if not stored or stored[0].position != seen.position:
            raise LogAhead(str(partition), seen.position, head)
        if stored[0].hash != seen.hash:
            raise LogDiffers(str(partition), f"another event at position {seen.position}")


def _republish(
    log: OutgoingRecords,
    publisher: Publisher,
    progress: Progress,
    promised: Progress | None,
    batch: int,
) -> None:
    """Everything up to R behind each partition's last record; `progress.heads` grow meanwhile.

    Only the partitions behind their promise are looked at, or all where there is none.
    """
    behind = _behind(progress, promised)
    start = 0 if behind is None else min((progress.heads.get(p, 0) for p in behind), default=0)
    logger.warning(
        "publishing again what Kafka lost of positions %d to %d", start, progress.position
    )
    categories = None if behind is None else _categories(behind)
    for page in log.walk(start, batch, categories):
        lost = [
            record
            for record in page
            if record.position <= progress.position
            and (behind is None or record.partition in behind)
            and record.position > progress.heads.get(record.partition, 0)
        ]
        if lost:
            progress.heads.update(last_positions(lost))
            publisher.publish(lost, replace(progress, refilling=True))
        if page[-1].position >= progress.position:
            break
    publisher.publish([], progress)


def _behind(progress: Progress, promised: Progress | None) -> set[LogPartition] | None:
    """None where nothing trustworthy was promised."""
    if promised is None or promised.refilling:
        return None
    if any(position > promised.heads.get(p, 0) for p, position in progress.heads.items()):
        return None
    return {p for p, position in promised.heads.items() if progress.heads.get(p, 0) < position}


def _categories(partitions: set[LogPartition]) -> list[str]:
    return sorted({category_of(partition.topic) for partition in partitions})
