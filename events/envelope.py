"""The envelope around every event: one form in JSON, one on Kafka, and the frame that is hashed."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from events.model import Event
from events.times import rfc3339, to_micros

MAX_DATA_BYTES = 128 * 1024


class Envelope(NamedTuple):
    """One stored event as every reader gets it; `data` is the exact JSON bytes that were hashed.

    A tuple and not a frozen dataclass: made from a row in 0.3 us instead of 2.6.
    """

    position: int
    event_id: str
    stream_id: str
    stream_version: int
    category: str
    type: str
    version: int
    recorded_at: datetime
    effective_at: datetime
    actor: str | None
    tenant: str
    correlation_id: str
    causation_id: str | None
    command_id: str
    hash: bytes
    data: bytes

    def to_json(self) -> dict[str, Any]:
        """The published form (CONTRACT §3)."""
        return {
            "position": self.position,
            "event_id": self.event_id,
            "stream_id": self.stream_id,
            "stream_version": self.stream_version,
            "category": self.category,
            "type": self.type,
            "version": self.version,
            "recorded_at": rfc3339(self.recorded_at),
            "effective_at": rfc3339(self.effective_at),
            "actor": self.actor,
            "tenant": self.tenant,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "command_id": self.command_id,
            "hash": self.hash.hex(),
            "data": json.loads(self.data),
        }


# Not frozen, for speed: one is made of every event that is read.
@dataclass(slots=True)
class Recorded:
    """An envelope with its data as event model: what aggregates, folds and sagas match on."""

    envelope: Envelope
    data: Event

    # `eventsourcing` knows these two names.
    @property
    def originator_id(self) -> str:
        return self.envelope.stream_id

    @property
    def originator_version(self) -> int:
        return self.envelope.stream_version

    stream_id = originator_id
    stream_version = originator_version

    @property
    def position(self) -> int:
        return self.envelope.position

    @property
    def event_id(self) -> str:
        return self.envelope.event_id

    @property
    def type(self) -> str:
        return self.envelope.type

    @property
    def recorded_at(self) -> datetime:
        return self.envelope.recorded_at

    @property
    def effective_at(self) -> datetime:
        return self.envelope.effective_at

    @property
    def tenant(self) -> str:
        return self.envelope.tenant

    @property
    def actor(self) -> str | None:
        return self.envelope.actor

    @property
    def correlation_id(self) -> str:
        return self.envelope.correlation_id


def frame(
    *,
    event_id: str,
    stream_id: str,
    stream_version: int,
    category: str,
    type: str,
    version: int,
    effective_at: datetime,
    actor: str | None,
    tenant: str,
    correlation_id: str,
    causation_id: str | None,
    command_id: str,
    input_hash: bytes,
    claims: bytes | None,
    data: bytes,
) -> bytes:
    """The bytes whose SHA-256 is the event's leaf (docs/adr/0002): each field is int32 length +
    bytes, NULL is -1.

    Texts are UTF-8, integers int8 big-endian, times int8 microseconds since 1970.
    """
    fields = (
        event_id.encode(),
        stream_id.encode(),
        struct.pack(">q", stream_version),
        category.encode(),
        type.encode(),
        struct.pack(">q", version),
        struct.pack(">q", to_micros(effective_at)),
        None if actor is None else actor.encode(),
        tenant.encode(),
        correlation_id.encode(),
        None if causation_id is None else causation_id.encode(),
        command_id.encode(),
        input_hash,
        claims,
        data,
    )
    return b"".join(
        b"\xff\xff\xff\xff" if field is None else struct.pack(">i", len(field)) + field
        for field in fields
    )


def chain(previous: bytes, position: int, recorded_at_micros: int, leaf: bytes) -> bytes:
    """hash_n = SHA-256(hash_{n-1} ‖ int8 position ‖ int8 recorded_at ‖ leaf)."""
    return hashlib.sha256(
        previous + struct.pack(">qq", position, recorded_at_micros) + leaf
    ).digest()


def genesis(log_id: str) -> bytes:
    """hash_0 = SHA-256(log_id)."""
    return hashlib.sha256(log_id.encode()).digest()
