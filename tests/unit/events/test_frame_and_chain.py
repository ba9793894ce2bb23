"""The frame and the chain: an auditor's own few lines must come to the same hash."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.claims import Claim, claims_bytes
from events.envelope import chain, frame, genesis
from events.times import from_micros, parse_rfc3339, rfc3339, to_micros

EFFECTIVE_AT = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
FIELDS: dict[str, Any] = {
    "event_id": "evt_1",
    "stream_id": "ast_1",
    "stream_version": 7,
    "category": "asset",
    "type": "asset.uploaded",
    "version": 1,
    "effective_at": EFFECTIVE_AT,
    "actor": None,
    "tenant": "wsp_1",
    "correlation_id": "cor_1",
    "causation_id": None,
    "command_id": "cmd_1",
    "input_hash": b"",
    "claims": None,
    "data": '{"filename":"Größe.wav"}'.encode(),
}


def by_the_book() -> bytes:
    """docs/adr/0002 read aloud, sharing no code with the product."""

    def field(value: bytes | None) -> bytes:
        return struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value

    micros = 1_767_225_600_123_456
    values = [b"evt_1", b"ast_1", struct.pack(">q", 7), b"asset", b"asset.uploaded"]
    values += [struct.pack(">q", 1), struct.pack(">q", micros), None, b"wsp_1", b"cor_1"]
    values += [None, b"cmd_1", b"", None, FIELDS["data"]]
    return b"".join(field(value) for value in values)


def test_the_frame_is_the_published_one():
    assert frame(**FIELDS) == by_the_book()


def test_the_leaf_of_a_known_event_never_changes():
    """A constant, not a computation: whoever changes the frame breaks every stored log."""
    leaf = hashlib.sha256(frame(**FIELDS)).hexdigest()
    assert leaf == "8f6963f4b604de8e0ae385597048a57073f39dd86cf4e3ff5f6f4356b4a511e7"


def test_the_chain_of_a_known_event_never_changes():
    leaf = hashlib.sha256(frame(**FIELDS)).digest()
    hash_1 = chain(genesis("log_1"), 1, to_micros(EFFECTIVE_AT), leaf)
    assert (
        hash_1
        == hashlib.sha256(
            hashlib.sha256(b"log_1").digest() + struct.pack(">qq", 1, 1_767_225_600_123_456) + leaf
        ).digest()
    )
    assert hash_1.hex() == "a4e138fe56eeb0ab70fe5441e63817ca5cdff734ffddc039a4f4a7960c107086"


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_part_of_the_frame(name: str):
    other = {
        "stream_version": 8,
        "version": 2,
        "effective_at": EFFECTIVE_AT + timedelta(microseconds=1),
    }
    value = FIELDS[name]
    changed = other.get(name, b"x" if isinstance(value, bytes) or name == "claims" else "x")
    assert frame(**{**FIELDS, name: changed}) != frame(**FIELDS)


def test_null_is_not_the_empty_text():
    assert frame(**{**FIELDS, "actor": ""}) != frame(**{**FIELDS, "actor": None})


@given(left=st.text(), right=st.text(), moved=st.integers(1, 5))
def test_a_byte_moved_to_the_next_field_is_another_frame(left: str, right: str, moved: int):
    text = left + right
    cut = min(len(left) + moved, len(text))
    other = {"tenant": text[:cut], "correlation_id": text[cut:]}
    same = other["tenant"] == left
    here = {**FIELDS, "tenant": left, "correlation_id": right}
    assert (frame(**here) == frame(**{**FIELDS, **other})) is same


def test_claims_are_hashed_in_one_canonical_form_releases_first():
    take = Claim("asset-content", "abc")
    release = Claim("hour", "größe", "global", EFFECTIVE_AT, EFFECTIVE_AT + timedelta(hours=1))
    assert claims_bytes((take,), (release,)).decode() == (
        '[{"op":"release","kind":"hour","scope":"global","key":"größe",'
        '"since":"2026-01-01T00:00:00.123456Z","until":"2026-01-01T01:00:00.123456Z"},'
        '{"op":"take","kind":"asset-content","scope":"workspace","key":"abc",'
        '"since":null,"until":null}]'
    )
    assert claims_bytes((), ()) is None


@given(st.integers(-(10**15), 10**17))
def test_a_time_keeps_its_microsecond_through_text_and_number(micros: int):
    moment = from_micros(micros)
    assert to_micros(moment) == micros
    if moment.year >= 1000:
        assert parse_rfc3339(rfc3339(moment)) == moment
