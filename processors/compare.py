"""Store against Kafka, event by event: `./noculture log compare`."""

from __future__ import annotations

import time
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.kafka_config import KafkaConfig
from events.log.kafka_reading import read_records
from events.log.kafka_topics import KafkaTopics
from events.log.kafka_transactions import OpenTransaction, open_transactions
from events.log.partitions import LogPartition, partition_of
from events.log.progress import LogProgress
from events.log.proving import UNREADABLE, RecordProofs
from events.log.records import from_record
from events.store.postgres import PostgresEvents

SETTLE_S = 10.0
MARKED_WITHIN_S = 10.0
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Compared:
    """`events` are the store's; an event that differs from the store's counts as missing and as
    extra. `unproven` records, which are not the relay's, are extra as well.
    """

    events: int
    missing: int
    duplicated: int
    misordered: int
    extra: int
    unproven: int

    @property
    def ok(self) -> bool:
        return not (self.missing or self.duplicated or self.misordered or self.extra)

    # Without `unproven`, which `extra` counts: the fields are those of the contract.
    def to_json(self) -> dict[str, bool | int]:
        return {
            "ok": self.ok,
            "events": self.events,
            "missing": self.missing,
            "duplicated": self.duplicated,
            "misordered": self.misordered,
            "extra": self.extra,
        }


@dataclass(slots=True)
class _Partition:
    """16 bytes an event: its position, and 8 bytes of its mark."""

    positions: array[int] = field(default_factory=lambda: array("q"))
    marks: array[int] = field(default_factory=lambda: array("Q"))


def compare(
    pool: ConnectionPool, config: KafkaConfig, proofs: RecordProofs, settle_s: float = SETTLE_S
) -> Compared:
    """Everything the store had when it was called, after giving the relay `settle_s` to carry it
    over.
    """
    store = PostgresEvents(pool)
    head = store.head()
    _settle(LogProgress(pool, "kafka"), head, settle_s)
    topics = KafkaTopics(config).events()
    _wait_for_markers(config, topics)
    partitions: dict[LogPartition, _Partition] = defaultdict(_Partition)
    unproven = 0
    up_to = proofs.unproven_up_to()
    for name, records in read_records(config, topics):
        for record in records:
            if (found := _event(proofs, up_to, name, record)) is None:
                unproven += 1
                continue
            partitions[name].positions.append(found[0])
            partitions[name].marks.append(found[1])
    duplicated = misordered = 0
    walks: dict[LogPartition, _Walk] = {}
    for name, partition in partitions.items():
        again, late = _order(partition.positions)
        duplicated, misordered = duplicated + again, misordered + late
        walks[name] = _Walk(partition)
    events = missing = 0
    now = store.head()
    for page in store.walk(page=PAGE):
        for event in page:
            if event.position > now:
                break
            events += event.position <= head
            walk = walks.get(partition_of(event))
            taken = walk is not None and walk.take(event)
            # Events stored after the call may still be on their way.
            missing += not taken and event.position <= head
    extra = sum(walk.rest() for walk in walks.values()) + unproven
    return Compared(events, missing, duplicated, misordered, extra, unproven)


def _event(
    proofs: RecordProofs, unproven_up_to: int | None, partition: LogPartition, record: Any
) -> tuple[int, int] | None:
    """Position and mark of a record: the event's hash where a MAC proves all the rest of it, else
    of all that it says. None for what is not the relay's.
    """
    proven = proofs.macs.prove(partition, record.key, record.value, record.headers)
    if proven is False:
        return None
    try:
        envelope = from_record(partition.topic, record.value, record.headers)
    except UNREADABLE:
        return None
    if proven:
        return envelope.position, _short(envelope.hash)
    if unproven_up_to is not None and envelope.position > unproven_up_to:
        return None
    return envelope.position, _whole(envelope)


class _Walk:
    """A partition's distinct positions in order, taken one by one as the store names them."""

    def __init__(self, partition: _Partition) -> None:
        events: Iterable[tuple[int, int]] = zip(partition.positions, partition.marks, strict=True)
        # In order, as it should be, nothing is copied.
        if not _rises(partition.positions):
            events = sorted(dict(events).items())
        self._events = iter(events)
        self._next = next(self._events, None)
        self._extra = 0

    def take(self, event: Envelope) -> bool:
        while self._next is not None and self._next[0] < event.position:
            self._skip()
        if self._next is None or self._next[0] != event.position:
            return False
        if self._next[1] != _short(event.hash) and self._next[1] != _whole(event):
            self._skip()
            return False
        self._next = next(self._events, None)
        return True

    def rest(self) -> int:
        """Counts what the store does not have, once it has named everything."""
        while self._next is not None:
            self._skip()
        return self._extra

    def _skip(self) -> None:
        self._extra += 1
        self._next = next(self._events, None)


def _order(positions: array[int]) -> tuple[int, int]:
    """(how many came again, how many came for the first time after a later one)"""
    if _rises(positions):
        return 0, 0
    seen: set[int] = set()
    furthest = duplicated = misordered = 0
    for position in positions:
        if position in seen:
            duplicated += 1
            continue
        seen.add(position)
        misordered += position < furthest
        furthest = max(furthest, position)
    return duplicated, misordered


def _rises(positions: array[int]) -> bool:
    return all(one < next for one, next in pairwise(positions))


def _short(hash: bytes) -> int:
    return int.from_bytes(hash[:8], "big")


def _whole(event: Envelope) -> int:
    return _short(sha256(repr(tuple(event)).encode()).digest())


def _settle(progress: LogProgress, head: int, settle_s: float) -> None:
    deadline = time.monotonic() + settle_s
    while progress.relayed() < head and time.monotonic() < deadline:
        time.sleep(0.05)


def _wait_for_markers(config: KafkaConfig, topics: Sequence[str]) -> None:
    """The broker says "committed" before it has marked every partition: under load 74 events of a
    transaction seemed missing. Waits for what is open now, not for what begins meanwhile.
    """
    deadline = time.monotonic() + MARKED_WITHIN_S
    ending: frozenset[OpenTransaction] | None = None
    while ending is None or ending:
        try:
            found = open_transactions(config, topics)
            ending = found if ending is None else ending & found
        except KafkaError as error:
            # Topics that are being made have no leaders yet.
            if not error.retriable or time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            return
        if ending != frozenset():
            time.sleep(0.05)
