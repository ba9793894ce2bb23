"""The one writer of the topics: events and the relay's progress in one Kafka transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)

from events.errors import NoCultureError
from events.log.errors import LogDiffers
from events.log.kafka_config import RELAY_TOPIC, KafkaConfig
from events.log.kafka_producer import TransactionalProducer
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_transactions import OpenTransaction, open_transactions
from events.log.outgoing import OutgoingRecord
from events.log.partitions import LogPartition, category_of, topic_of
from events.log.proof import MAC_HEADER, Headers, RecordMac
from events.log.records import source_of

PROGRESS = LogPartition(RELAY_TOPIC, 0)
# No other try helps with these: somebody has to change a limit.
_OF_THE_RECORD = (
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)


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

    @staticmethod
    def source_in(value: bytes) -> str:
        """The log and the epoch that these bytes are of."""
        return str(json.loads(value)["source"])

    @classmethod
    def from_bytes(cls, value: bytes, source: str) -> Progress:
        """Raises LogDiffers when it is another log's, or another epoch's, or nothing of ours."""
        try:
            read = json.loads(value)
            if read["source"] != source:
                raise LogDiffers(RELAY_TOPIC, f"its source is {read['source']}, ours {source}")
            heads = {
                LogPartition(topic, int(number)): int(position)
                for topic, numbers in read["heads"].items()
                for number, position in numbers.items()
            }
            return cls(int(read["position"]), heads, bool(read["refilling"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LogDiffers(RELAY_TOPIC, "its last record is not a relay's") from error


class RecordRefused(NoCultureError):
    """The broker or its client takes one event not. None is left out, so none behind it goes."""

    status, code = 500, "record-refused"

    def __init__(self, record: OutgoingRecord, error: BaseException) -> None:
        super().__init__(
            f"{record.partition} does not take position {record.position}"
            f" ({len(record.value)} bytes): {type(error).__name__}; see the limits of the broker"
            " and of this topic, `./noculture doctor` names them"
        )


class TopicsChanged(KafkaError):  # type: ignore[misc]
    """A topic was deleted, emptied or cut under us: look again at what they hold."""


class TransactionHangs(KafkaError):  # type: ignore[misc]
    """The coordinator left a commit marker out."""


class Publisher:
    """Making one fences all earlier ones of this log: their transactions cannot commit any more.

    `ends` are the offsets up to which partitions are known to be filled. A record that lands below
    its partition's end went into a topic that lost something, and is not committed.
    """

    def __init__(self, config: KafkaConfig, log_id: str, epoch: int, mac: RecordMac) -> None:
        self._config, self._mac = config, mac
        self._topics = KafkaTopics(config)
        self._topic_ids: dict[str, str] = {}
        self._ends: dict[LogPartition, int] = {}
        self._open: frozenset[OpenTransaction] = frozenset()
        self.source = source_of(log_id, epoch)
        self._producer = TransactionalProducer(**config.producer())
        try:
            self._producer.init_transactions()
        except BaseException:
            self.close()
            raise

    def ensure_topics(self, categories: set[str]) -> None:
        """Also of categories that only a newer program knows: the relay carries what the store
        holds.
        """
        if any(topic_of(category) not in self._topic_ids for category in categories):
            self._topic_ids |= self._topics.ensure(categories)

    def same_topics(self) -> None:
        """Raises TopicsChanged when one of them is gone or was made anew."""
        if self._topics.ids(set(self._topic_ids)) != self._topic_ids:
            raise TopicsChanged("topics are gone or were made anew")

    def nothing_hangs(self) -> None:
        """Between two transactions. Raises TransactionHangs for one that is open since the last
        call: readers wait at it for ever, the next publisher aborts it.
        """
        found = open_transactions(self._config, [*self._topic_ids, RELAY_TOPIC])
        if hanging := found & self._open:
            raise TransactionHangs(f"the broker forgot to end {sorted(map(str, hanging))}")
        self._open = found

    def expect(self, ends: Mapping[LogPartition, int]) -> None:
        """Remembers where partitions end now: the records before these offsets have to stay."""
        self._ends = dict(ends)

    def publish(self, records: Sequence[OutgoingRecord], progress: Progress) -> None:
        """All or nothing: records and `progress` commit together. A KafkaError leaves it open
        whether they did: close this publisher and ask the topics. Raises RecordRefused.
        """
        self.ensure_topics({category_of(record.partition.topic) for record in records})
        self._producer.begin_transaction()
        sent = [self._send(record) for record in records]
        told = self._send_proven(PROGRESS, b"progress", progress.to_bytes(self.source), [])
        self._producer.flush(self._producer.config["max_block_ms"] / 1000)
        _refuse_records(records, sent)
        _acknowledged(told)
        ends = self._landed(records, sent)
        self._producer.commit_transaction()
        self._ends |= ends

    def close(self) -> None:
        self._producer.abandon()

    def _send(self, record: OutgoingRecord):  # type: ignore[no-untyped-def]
        try:
            return self._send_proven(
                record.partition, record.key, record.value, record.headers, record.timestamp_ms
            )
        except _OF_THE_RECORD as error:
            raise RecordRefused(record, error) from error

    def _send_proven(  # type: ignore[no-untyped-def]
        self,
        partition: LogPartition,
        key: bytes,
        value: bytes,
        headers: Headers,
        timestamp_ms: int | None = None,
    ):
        mac = self._mac.of(partition, key, value, headers)
        return self._producer.send(
            self._config.named(partition.topic),
            value,
            key,
            [*headers, (MAC_HEADER, mac)],
            partition=partition.number,
            timestamp_ms=timestamp_ms,
        )

    def _landed(
        self, records: Sequence[OutgoingRecord], sent: Sequence[Any]
    ) -> dict[LogPartition, int]:
        """Where each partition ends now. Raises TopicsChanged for one that had been longer."""
        ends: dict[LogPartition, int] = {}
        for record, future in zip(records, sent, strict=True):
            offset, partition = _acknowledged(future), record.partition
            if offset < ends.get(partition, self._ends.get(partition, 0)):
                raise TopicsChanged(f"{partition} ends at {offset}, it had been longer")
            ends[partition] = offset + 1
        return ends


def _refuse_records(records: Sequence[OutgoingRecord], sent: Sequence[Any]) -> None:
    """Before anything else is asked: what follows in the transaction fails by what failed first."""
    for record, future in zip(records, sent, strict=True):
        if isinstance(future.exception, _OF_THE_RECORD):
            raise RecordRefused(record, future.exception)


def _acknowledged(future: Any) -> int:
    """Its offset."""
    if not future.succeeded():
        raise future.exception or KafkaError("a record was not acknowledged")
    return int(future.value.offset)


def advanced(progress: Progress, records: Sequence[OutgoingRecord]) -> Progress:
    """Answers the progress once `records`, the next of the log, are published."""
    return Progress(records[-1].position, progress.heads | last_positions(records))


def last_positions(records: Sequence[OutgoingRecord]) -> dict[LogPartition, int]:
    return {record.partition: record.position for record in records}
