"""An envelope as a Kafka record and back (CONTRACT §3): every field can be had from Kafka alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from events.envelope import Envelope
from events.log.partitions import TOPIC_PREFIX, topic_of
from events.times import parse_rfc3339, rfc3339

Headers = list[tuple[str, bytes]]
_LAST_POSITION = 2**63 - 1


class LogRecord(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    headers: Headers


def source_of(log_id: str, epoch: int) -> str:
    return f"/noculture/{log_id}/{epoch}"


def epoch_of(source: str) -> int:
    return int(source.rpartition("/")[2])


def is_of_earlier_epoch(source: str, log_id: str, epoch: int) -> bool:
    """Whether it was published before the last `log recover` of this log."""
    log, _, number = source.rpartition("/")
    same_log = log == source_of(log_id, epoch).rpartition("/")[0]
    return same_log and number.isdecimal() and int(number) < epoch


def schema_of(type: str, version: int) -> str:
    return f"urn:noculture:event:{type}:{version}"


def to_record(envelope: Envelope, source: str) -> LogRecord:
    """`source` is `source_of(log id, epoch)`. A field that is None has no header."""
    subject = envelope.stream_id.encode()
    headers = [
        *type_headers(envelope.type, envelope.version, source),
        ("ce_id", envelope.event_id.encode()),
        ("ce_subject", subject),
        ("ce_time", rfc3339(envelope.recorded_at).encode()),
        ("ce_position", b"%d" % envelope.position),
        ("ce_streamversion", b"%d" % envelope.stream_version),
        ("ce_effectiveat", rfc3339(envelope.effective_at).encode()),
        ("ce_tenant", envelope.tenant.encode()),
        ("ce_correlationid", envelope.correlation_id.encode()),
        ("ce_commandid", envelope.command_id.encode()),
        ("ce_hash", envelope.hash.hex().encode()),
    ]
    if envelope.actor is not None:
        headers.append(("ce_actor", envelope.actor.encode()))
    if envelope.causation_id is not None:
        headers.append(("ce_causationid", envelope.causation_id.encode()))
    return LogRecord(topic_of(envelope.category), subject, envelope.data, headers)


@lru_cache(maxsize=1_024)
def type_headers(type: str, version: int, source: str) -> Headers:
    """Makes the headers that all events of a type share."""
    texts = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_type": type,
        "ce_source": source,
        "ce_dataschema": schema_of(type, version),
        "ce_eventversion": str(version),
    }
    return [(name, text.encode()) for name, text in texts.items()]


def from_record(topic: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> Envelope:
    """Raises KeyError or ValueError for a record that is not one of ours."""
    texts = {name: content.decode() for name, content in headers}
    position = int(texts["ce_position"])
    if not 1 <= position <= _LAST_POSITION:
        raise ValueError(f"{position} is no position")
    return Envelope(
        position=position,
        event_id=texts["ce_id"],
        stream_id=texts["ce_subject"],
        stream_version=int(texts["ce_streamversion"]),
        category=topic.removeprefix(TOPIC_PREFIX),
        type=texts["ce_type"],
        version=int(texts["ce_eventversion"]),
        recorded_at=parse_rfc3339(texts["ce_time"]),
        effective_at=parse_rfc3339(texts["ce_effectiveat"]),
        actor=texts.get("ce_actor"),
        tenant=texts["ce_tenant"],
        correlation_id=texts["ce_correlationid"],
        causation_id=texts.get("ce_causationid"),
        command_id=texts["ce_commandid"],
        hash=bytes.fromhex(texts["ce_hash"]),
        data=bytes(value),
    )
