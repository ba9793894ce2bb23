"""The one writer of the topics: events and the relay's progress in one Kafka transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kafka import KafkaProducer
from kafka.errors import KafkaError

from events.envelope import Envelope
from events.log.errors import LogDiffers
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_topics import KafkaTopics
from events.log.partitions import LogPartition, partition_of
from events.log.records import source_of, to_record
from events.times import to_micros


@dataclass(slots=True)
class Progress:
    """`position` is R, `heads` the last position of each partition that has any. While lost records
    are being published again (`refilling`) the heads promise nothing.
    """

    position: int = 0
    heads: dict[LogPartition, int] = field(default_factory=dict)
    refilling: bool = False

    def to_bytes(self, source: str) -> bytes:
        topics: dict[str, dict[str, int]] = {}
        for partition, position in sorted(self.heads.items()):
            topics.setdefault(partition.topic, {})[str(partition.number)] = position
        return json.dumps(
            {
                "source": source,
                "position": self.position,
                "refilling": self.refilling,
                "heads": topics,
            }
        ).encode()

    @classmethod
    def from_bytes(cls, value: bytes, source: str) -> Progress:
        """Raises LogDiffers when it is another log's, or another epoch's."""
        read = json.loads(value)
        if read["source"] != source:
            raise LogDiffers(RELAY_TOPIC, f"its source is {read['source']}, ours {source}")
        heads = {
            LogPartition(topic, int(number)): position
            for topic, numbers in read["heads"].items()
            for number, position in numbers.items()
        }
        return cls(read["position"], heads, read["refilling"])


class Publisher:
    """Making one fences all earlier ones of this log: their transactions cannot commit any more."""

    def __init__(self, config: KafkaConfig, log_id: str, epoch: int) -> None:
        self._config = config
        self._topics = KafkaTopics(config)
        self._known: set[str] = set()
        self.source = source_of(log_id, epoch)
        self._producer = KafkaProducer(**config.producer())
        try:
            self._producer.init_transactions()
        except BaseException:
            self.close()
            raise

    def ensure_topics(self, categories: set[str]) -> None:
        """Also of categories that only a newer program knows: the relay carries what the store
        holds.
        """
        if new := categories - self._known:
            self._topics.ensure(new)
            self._known |= new

    def publish(self, events: Sequence[Envelope], progress: Progress) -> None:
        """All or nothing: records and `progress` commit together. A KafkaError leaves it open
        whether they did: close this publisher and ask the topics.
        """
        self.ensure_topics({event.category for event in events})
        self._producer.begin_transaction()
        sent = [self._send(event) for event in events]
        sent.append(
            self._producer.send(
                self._config.named(RELAY_TOPIC),
                progress.to_bytes(self.source),
                b"progress",
                partition=0,
            )
        )
        self._producer.commit_transaction()
        for future in sent:
            if not future.succeeded():
                raise future.exception or KafkaError("a record was not acknowledged")

    def close(self) -> None:
        # Nothing to wait for: what was not committed is to be aborted by the next publisher.
        self._producer.close(timeout=0)

    def _send(self, event: Envelope):  # type: ignore[no-untyped-def]
        record = to_record(event, self.source)
        return self._producer.send(
            self._config.named(record.topic),
            record.value,
            record.key,
            record.headers,
            partition=partition_of(event).number,
            timestamp_ms=to_micros(event.recorded_at) // 1000,
        )


def advanced(progress: Progress, events: Sequence[Envelope]) -> Progress:
    """What progress is once `events`, the next of the log, are published."""
    heads = progress.heads | last_positions(events)
    return Progress(events[-1].position, heads)


def last_positions(events: Sequence[Envelope]) -> Mapping[LogPartition, int]:
    return {partition_of(event): event.position for event in events}
