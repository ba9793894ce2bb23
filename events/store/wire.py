"""An append in the bytes that Postgres reads.

An array element is int32 length + bytes, and so is a field of the frame (docs/adr/0002): each field
is written once, for the leaf and for its column. psycopg's own arrays took 32 of 50 µs an event.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types.range import TimestamptzRange

from events.claims import Claim, claims_bytes
from events.store.pending import Append
from events.times import to_micros

_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_integer = struct.Struct(">ii").pack
_array = struct.Struct(">iiIii").pack
_NULL = _length(-1)
_BOOLEANS = (_length(1) + b"\x00", _length(1) + b"\x01")
_POSTGRES_EPOCH_MICROS = to_micros(datetime(2000, 1, 1, tzinfo=UTC))


class Elements(bytes):
    """A one-dimensional array in binary form; subclasses name its type and its elements'."""

    element: ClassVar[int]

    @classmethod
    def of(cls, elements: Sequence[bytes]) -> Elements:
        if not elements:
            return cls(struct.pack(">iiI", 0, 0, cls.element))
        return cls(_array(1, 1, cls.element, len(elements), 1) + b"".join(elements))


class Booleans(Elements):
    element = 16


class Blobs(Elements):
    element = 17


class Bigints(Elements):
    element = 20


class Integers(Elements):
    element = 23


class Texts(Elements):
    element = 25


class Moments(Elements):
    element = 1184


def _register(kind: type[Elements], array_oid: int) -> None:
    class AsIs(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, obj: bytes) -> bytes:
            return obj

    psycopg.adapters.register_dumper(kind, AsIs)


for _kind, _oid in (
    (Booleans, 1000),
    (Blobs, 1001),
    (Bigints, 1016),
    (Integers, 1007),
    (Texts, 1009),
    (Moments, 1185),
):
    _register(_kind, _oid)

# The columns of EncodedAppend.head and of each of its events, in the order of append_events().
HEAD_COLUMNS: tuple[type[Elements], ...] = (
    Texts,
    Blobs,
    Texts,
    Texts,
    Texts,
    Texts,
    Texts,
    Bigints,
)
EVENT_COLUMNS: tuple[type[Elements], ...] = (
    Booleans, Texts, Texts, Bigints, Texts, Texts, Bigints, Moments, Blobs, Blobs, Blobs,
)  # fmt: skip
ClaimMove = tuple[int, bool, str, str, str, TimestamptzRange | None]


@dataclass(slots=True)
class EncodedAppend:
    """`claims` has (1-based event of this append, take, kind, scope, key, during).

    `exclusive` is the append's; `answer` is what it will be told: stream and version.
    """

    head: tuple[bytes, ...]
    events: list[tuple[bytes, ...]]
    claims: list[ClaimMove]
    exclusive: frozenset[tuple[str, str, str]]
    answer: tuple[str, int]


def encode(append: Append) -> EncodedAppend:
    """On the caller's thread: the committer only joins what many callers encoded."""
    actor, tenant = _text(append.actor), _text(append.tenant)
    correlation, causation = _text(append.correlation_id), _text(append.causation_id)
    command, input_hash = _text(append.command_id), _bytes(append.input_hash)
    events: list[tuple[bytes, ...]] = []
    claims: list[ClaimMove] = []
    reached: dict[str, int] = {}
    for event in append.events:
        moved = claims_bytes(event.takes, event.releases)
        micros = to_micros(event.effective_at)
        identity = (
            _text(event.event_id),
            _text(event.stream_id),
            _bigint(8, event.stream_version),
            _text(event.category),
            _text(event.type),
            _bigint(8, event.version),
        )
        moved_bytes, data = _bytes(moved), _bytes(event.data)
        origin = (actor, tenant, correlation, causation, command, input_hash)
        leaf = hashlib.sha256(
            b"".join((*identity, _bigint(8, micros), *origin, moved_bytes, data))
        ).digest()
        events.append(
            (
                _BOOLEANS[event.stream_id not in reached],
                *identity,
                _bigint(8, micros - _POSTGRES_EPOCH_MICROS),
                moved_bytes,
                data,
                _bytes(leaf),
            )
        )
        reached[event.stream_id] = event.stream_version
        if moved is not None:
            moves = [(False, c) for c in event.releases] + [(True, c) for c in event.takes]
            for take, claim in moves:
                scope = "" if claim.scope == "global" else append.tenant
                claims.append((len(events), take, claim.kind, scope, claim.key, _during(claim)))
    stream = append.events[0].stream_id
    head = (command, input_hash, actor, tenant, correlation, causation, _text(stream))
    version = reached[stream]
    return EncodedAppend(
        (*head, _bigint(8, version)), events, claims, append.exclusive, (stream, version)
    )


def arguments(group: Sequence[EncodedAppend]) -> list[Any]:
    """What append_events() takes, in its order."""
    owners: list[bytes] = []
    events: list[tuple[bytes, ...]] = []
    claims: list[ClaimMove] = []
    for number, encoded in enumerate(group, 1):
        before = len(events)
        claims += [(before + move[0], *move[1:]) for move in encoded.claims]
        events += encoded.events
        owners += [_integer(4, number)] * len(encoded.events)
    heads = zip(*(encoded.head for encoded in group), strict=True)
    return [
        *(kind.of(column) for kind, column in zip(HEAD_COLUMNS, heads, strict=True)),
        Integers.of(owners),
        *(k.of(c) for k, c in zip(EVENT_COLUMNS, zip(*events, strict=True), strict=True)),
        *([list(column) for column in zip(*claims, strict=True)] if claims else [[]] * 6),
    ]


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _length(len(value)) + value


def _during(claim: Claim) -> TimestamptzRange | None:
    if claim.since is None and claim.until is None:
        return None
    return TimestamptzRange(claim.since, claim.until, "[)")
