"""The MAC covers all of a record that a reader could use, and nothing is read two ways."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import pytest

from events.log.partitions import LogPartition
from events.log.proof import MAC_HEADER, RecordMac, RecordMacs, covered

OLD, NEW = b"o" * 32, b"n" * 32
PLACE = LogPartition("noculture.events.asset", 3)
HEADERS = [("ce_id", b"evt_1"), ("ce_position", b"7"), ("ce_hash", b"ab"), ("ce_time", b"")]
RECORD: dict[str, Any] = {"partition": PLACE, "key": b"ast_1", "value": b'{"a": 1}'}


def proven(key: bytes, headers: list[tuple[str, bytes]] = HEADERS) -> list[tuple[str, bytes]]:
    mac = RecordMac(key).of(RECORD["partition"], RECORD["key"], RECORD["value"], headers)
    return [*headers, (MAC_HEADER, mac)]


@pytest.mark.parametrize("headers", [HEADERS, []], ids=["an event", "a progress"])
def test_a_record_of_the_relays_is_proven(headers: list[tuple[str, bytes]]):
    assert RecordMacs(lambda: (OLD,)).prove(**RECORD, headers=proven(OLD, headers)) is True


def test_a_mac_is_the_hmac_of_rfc_2104_so_that_others_can_check_it():
    mac = RecordMac(OLD)
    expected = hmac.digest(OLD, covered(**RECORD, headers=HEADERS), "sha256").hex()
    assert mac.of(**RECORD, headers=HEADERS) == f"{mac.key_id}.{expected}".encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"partition": PLACE._replace(number=4)},
        {"partition": PLACE._replace(topic="noculture.events.analysis")},
        {"key": b"ast_2"},
        {"key": None},
        {"value": b"{}"},
        {"value": None},
    ],
    ids=str,
)
def test_every_part_of_a_record_is_covered(changed: dict[str, Any]):
    macs = RecordMacs(lambda: (OLD,))
    assert macs.prove(**RECORD | changed, headers=proven(OLD)) is False


@pytest.mark.parametrize(
    "change",
    [
        lambda h: [*h[1:-1], h[-1]],
        lambda h: [h[1], h[0], *h[2:]],
        lambda h: [("ce_type", b"x"), *h],
        lambda h: [("ce_id", b"evt_2"), *h[1:]],
        lambda h: [("ce_di", b"evt_1"), *h[1:]],
        lambda h: [("ce_id", None), *h[1:]],
        lambda h: [("ce_ide", b"vt_1"), *h[1:]],
        lambda h: [*h, h[-1]],
        lambda h: [*h[:-1], (MAC_HEADER, None)],
        lambda h: [*h[:-1], (MAC_HEADER, b"")],
        lambda h: [*h[:-1], (MAC_HEADER, h[-1][1][:-1])],
        lambda h: [*h[:-1], (MAC_HEADER, b"\xff" * 73)],
    ],
)
def test_every_header_is_covered(change: Callable[[Any], Any]):
    assert RecordMacs(lambda: (OLD,)).prove(**RECORD, headers=change(proven(OLD))) is False


@pytest.mark.parametrize("headers", [HEADERS, [], None, proven(OLD)[::-1]])
def test_a_record_without_a_mac_at_its_end_has_none(headers: Any):
    assert RecordMacs(lambda: (OLD,)).prove(**RECORD, headers=headers) is None


def test_no_two_records_are_the_same_bytes():
    """Contents that run into each other, and headers that look like key or value."""
    alike = [
        covered(PLACE, b"ab", b"c", [("x", b"1"), ("y", b"2")]),
        covered(PLACE, b"a", b"bc", [("x", b"1"), ("y", b"2")]),
        covered(PLACE, b"ab", b"c", [("x", b"12"), ("y", b"")]),
        covered(PLACE, b"ab", b"c", [("xy", b"1"), ("", b"2")]),
        covered(PLACE, b"2ab", b"c", [("x", b"1"), ("y", b"")]),
        covered(PLACE, b"b", b"c", [("x", b"1"), ("y", b"2"), ("z", b"a")]),
        covered(PLACE._replace(topic="noculture.events.asse"), b"ab", b"c", [("x", b"12")]),
    ]
    assert len(set(alike)) == len(alike)


def test_a_reader_that_does_not_know_an_exchanged_key_looks_for_it():
    keys = [OLD]
    macs = RecordMacs(lambda: tuple(keys))
    assert macs.prove(**RECORD, headers=proven(OLD)) is True
    assert macs.prove(**RECORD, headers=proven(NEW)) is False
    keys.insert(0, NEW)
    assert macs.prove(**RECORD, headers=proven(NEW)) is True
    assert macs.prove(**RECORD, headers=proven(OLD)) is True


def test_a_key_that_was_dropped_is_not_believed_by_whoever_begins_anew():
    keys = [NEW, OLD]
    macs = RecordMacs(lambda: tuple(keys))
    assert macs.prove(**RECORD, headers=proven(OLD)) is True
    keys.remove(OLD)
    macs.forget()
    assert macs.prove(**RECORD, headers=proven(OLD)) is False
