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
from typing import ClassVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from events.claims import Claim, claims_bytes
from events.store.pending import Append
from events.times import to_micros

_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_integer = struct.Struct(">ii").pack
_array = struct.Struct(">iiIii").pack
_NULL = _length(-1)
_BOOLEANS = (_length(1) + b"\x00", _length(1) + b"\x01")
_LOWER_INCLUDED, _LOWER_INFINITE, _UPPER_INFINITE = 0x02, 0x08, 0x10
_POSTGRES_EPOCH_MICROS = to_micros(datetime(2000, 1, 1, tzinfo=UTC))


class Elements(bytes):
    """A one-dimensional array in binary form; subclasses name its type and its elements'."""

    array: ClassVar[int]
    element: ClassVar[int]

    @classmethod
    def of(cls, elements: Sequence[bytes]) -> Elements:
        if not elements:
            return cls(struct.pack(">iiI", 0, 0, cls.element))
        return cls(_array(1, 1, cls.element, len(elements), 1) + b"".join(elements))


class Booleans(Elements):
    array, element = 1000, 16


class Blobs(Elements):
    array, element = 1001, 17


class Bigints(Elements):
    array, element = 1016, 20


class Integers(Elements):
    array, element = 1007, 23


class Texts(Elements):
    array, element = 1009, 25


class Moments(Elements):
    array, element = 1185, 1184


class Ranges(Elements):
    """Ranges of moments: tstzrange."""

    array, element = 3911, 3910


def _register(kind: type[Elements]) -> None:
    class AsIs(Dumper):
        format = Format.BINARY
        oid = kind.array

        def dump(self, obj: bytes) -> bytes:
            return obj

    psycopg.adapters.register_dumper(kind, AsIs)


for _kind in (Booleans, Blobs, Bigints, Integers, Texts, Moments, Ranges):
    _register(_kind)

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
CLAIM_COLUMNS: tuple[type[Elements], ...] = (Booleans, Texts, Texts, Texts, Ranges)
# The type of each argument of append_events().
ARGUMENTS: tuple[type[Elements], ...] = (
    *HEAD_COLUMNS,
    Integers,
    *EVENT_COLUMNS,
    Integers,
    *CLAIM_COLUMNS,
)


@dataclass(slots=True)
class EncodedAppend:
    """`claims` has (1-based event of this append, CLAIM_COLUMNS: take, kind, scope, key, during).

    `exclusive` is the append's; `answer` is what it will be told: stream and version.
    """

    head: tuple[bytes, ...]
    events: list[tuple[bytes, ...]]
    claims: list[tuple[int, tuple[bytes, ...]]]
    exclusive: frozenset[tuple[str, str, str]]
    answer: tuple[str, int]


def encode(append: Append) -> EncodedAppend:
    """On the caller's thread: the committer only joins what many callers encoded."""
    actor, tenant = _text(append.actor), _text(append.tenant)
    correlation, causation = _text(append.correlation_id), _text(append.causation_id)
    command, input_hash = _text(append.command_id), _bytes(append.input_hash)
    events: list[tuple[bytes, ...]] = []
    claims: list[tuple[int, tuple[bytes, ...]]] = []
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
                scope = claim.scope_in(append.tenant)
                name = (_text(claim.kind), _text(scope), _text(claim.key))
                claims.append((len(events), (_BOOLEANS[take], *name, _during(claim))))
    stream = append.about or append.events[0].stream_id
    head = (command, input_hash, actor, tenant, correlation, causation, _text(stream))
    version = reached[stream]
    return EncodedAppend(
        (*head, _bigint(8, version)), events, claims, append.exclusive, (stream, version)
    )


def arguments(group: Sequence[EncodedAppend]) -> list[Elements]:
    """Makes the arguments of append_events(), in its order."""
    owners: list[bytes] = []
    events: list[tuple[bytes, ...]] = []
    moving: list[bytes] = []
    moves: list[tuple[bytes, ...]] = []
    for number, encoded in enumerate(group, 1):
        for event, move in encoded.claims:
            moving.append(_integer(4, len(events) + event))
            moves.append(move)
        events += encoded.events
        owners += [_integer(4, number)] * len(encoded.events)
    heads = [encoded.head for encoded in group]
    return [
        *_columns(HEAD_COLUMNS, heads),
        Integers.of(owners),
        *_columns(EVENT_COLUMNS, events),
        Integers.of(moving),
        *_columns(CLAIM_COLUMNS, moves),
    ]


def _columns(
    kinds: tuple[type[Elements], ...], rows: Sequence[tuple[bytes, ...]]
) -> list[Elements]:
    columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
    return [kind.of(column) for kind, column in zip(kinds, columns, strict=True)]


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _length(len(value)) + value


def _during(claim: Claim) -> bytes:
    """A tstzrange `[since, until)`: its flags, then the bounds that it has."""
    if claim.since is None and claim.until is None:
        return _NULL
    # An infinite bound is never inclusive.
    flags, bounds = _LOWER_INCLUDED if claim.since else 0, b""
    for moment, infinite in ((claim.since, _LOWER_INFINITE), (claim.until, _UPPER_INFINITE)):
        if moment is None:
            flags |= infinite
        else:
            bounds += _bigint(8, to_micros(moment) - _POSTGRES_EPOCH_MICROS)
    return _length(1 + len(bounds)) + bytes([flags]) + bounds
