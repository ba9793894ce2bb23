"""Is what Kafka holds a beginning of what the store holds? What a partition lost is published
again, nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from events.log.errors import LogAhead, LogDiffers
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_reading import SeenRecord, last_events, last_value
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_transactions import abort_all
from events.log.outgoing import OutgoingRecords
from events.log.partitions import LogPartition, category_of
from events.log.proving import UNREADABLE, NotProven, RecordProofs
from events.log.records import epoch_of, from_record, is_of_earlier_epoch
from events.store.postgres import PostgresEvents
from processors.publisher import PROGRESS, Progress, Publisher, last_positions

logger = logging.getLogger(__name__)
Last = Mapping[LogPartition, SeenRecord]


def check(
    store: PostgresEvents,
    log: OutgoingRecords,
    config: KafkaConfig,
    publisher: Publisher,
    proofs: RecordProofs,
    batch: int,
) -> Progress:
    """Where the relay goes on. Raises LogAhead or LogDiffers; `publisher` has fenced all others
    before.
    """
    unproven_up_to = proofs.unproven_up_to()
    topics = KafkaTopics(config).events()
    # With every other publisher fenced, a transaction that is still open was forgotten by its
    # coordinator: committed with the next one, its records would be there twice.
    abort_all(config, [*topics, RELAY_TOPIC])
    promised = _promised(config, proofs, publisher.source, unproven_up_to)
    seeing = _Seeing(proofs, store, unproven_up_to, refilled=promised is not None)
    last = last_events(config, topics, seeing)
    seeing.tell()
    _compare(store, last, publisher.source)
    publisher.expect({partition: seen.offset + 1 for partition, seen in last.items()})
    if promised and promised.position > (head := store.head()):
        raise LogAhead(RELAY_TOPIC, promised.position, head)
    progress = Progress(
        max([seen.position for seen in last.values()] + [promised.position if promised else 0]),
        {partition: seen.position for partition, seen in last.items()},
    )
    kept = promised is not None and not promised.refilling and promised.heads == progress.heads
    if not kept and progress.position > 0:
        _republish(log, publisher, progress, promised, batch)
    elif unproven_up_to is None and progress.position > 0:
        # The next check believes no promise without a MAC.
        publisher.publish([], progress)
    return progress


def _promised(
    config: KafkaConfig, proofs: RecordProofs, source: str, unproven_up_to: int | None
) -> Progress | None:
    """The newest progress that this log's relay wrote in this epoch. Raises LogDiffers where there
    is only another's.
    """

    def proven(record: Any) -> bool | None:
        found = proofs.macs.prove(PROGRESS, record.key, record.value, record.headers)
        if not found and unproven_up_to is not None:
            # No topic id: whatever lies there is compacted away, and only this relay looks at it.
            why = "its MAC is wrong or missing"
            proofs.aside.note(PROGRESS, "", epoch_of(source), record.offset, why)
        return found

    def ours(record: Any) -> bool:
        return bool(proven(record)) and Progress.source_in(record.value) == source

    if unproven_up_to is None:
        value = last_value(config, RELAY_TOPIC, lambda record: proven(record) is not False)
    else:
        value = last_value(config, RELAY_TOPIC, ours) or last_value(
            config, RELAY_TOPIC, lambda r: bool(proven(r))
        )
    return None if value is None else Progress.from_bytes(value, source)


class _Seeing:
    """Tells the relay's events from others. With `refilled` the topics are of this epoch, and
    records of an earlier one were written there again by somebody else.
    """

    def __init__(
        self,
        proofs: RecordProofs,
        store: PostgresEvents,
        unproven_up_to: int | None,
        *,
        refilled: bool,
    ) -> None:
        self._proofs, self._unproven_up_to, self._refilled = proofs, unproven_up_to, refilled
        self._identity = store.log_identity()
        # How many of each partition, and why the last of them.
        self._aside: dict[LogPartition, tuple[int, str]] = {}

    def __call__(self, partition: LogPartition, record: Any) -> SeenRecord | None:
        try:
            return self._seen(partition, record)
        except UNREADABLE as error:
            count, _ = self._aside.get(partition, (0, ""))
            reason = str(error) if isinstance(error, NotProven) else "it is no event"
            self._aside[partition] = count + 1, reason
            return None

    def tell(self) -> None:
        """Says in the log what was passed over; consumers, which read everything, count it."""
        for partition, (count, reason) in self._aside.items():
            logger.error("%d of the last records of %s are put aside: %s", count, partition, reason)

    def _seen(self, partition: LogPartition, record: Any) -> SeenRecord:
        proven = self._proofs.macs.prove(partition, record.key, record.value, record.headers)
        if proven is False:
            raise NotProven("its MAC is wrong")
        envelope = from_record(partition.topic, record.value, record.headers)
        source = dict(record.headers)["ce_source"].decode()
        # Before the first MAC the last records are compared with the store as they always were: a
        # restored store must be noticed.
        if proven is None and self._unproven_up_to is not None:
            self._proofs.require_old(partition, envelope, self._unproven_up_to)
        if self._refilled and is_of_earlier_epoch(source, *self._identity):
            raise NotProven("it is from before `log recover`")
        return SeenRecord(partition, record.offset, source, envelope, proven is True)


def _compare(store: PostgresEvents, last: Last, source: str) -> None:
    """Each partition's last committed record against the store: position and hash."""
    head = store.head()
    for partition, seen in last.items():
        if seen.source != source:
            raise LogDiffers(str(partition), f"its source is {seen.source}, ours {source}")
        stored = store.after(seen.position - 1, 1)
        if not stored or stored[0].position != seen.position:
            raise LogAhead(str(partition), seen.position, head)
        same = stored[0].hash == seen.envelope.hash and (seen.proven or stored[0] == seen.envelope)
        if not same:
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
