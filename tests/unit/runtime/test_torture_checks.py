"""The checks of `torture` can fail: each finds what it is for, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runtime.torture.checks import Fact, compare
from runtime.torture.journal import Deed

ASSET = "ast_1"


def fact(position: int, type: str, command: str, version: int = 1, **data: Any) -> Fact:
    return Fact(position, data.pop("stream", ASSET), version, type, "wsp", command, None, data)


def deed(kind: str, command: str, at: float, position: int | None, **content: Any) -> Deed:
    return Deed(
        kind,
        command,
        content,
        sent_at=at,
        answered_at=at + 0.5,
        outcome="acked",
        tries=1,
        stream_id=ASSET,
        position=position,
    )


FACTS = [
    fact(1, "asset.uploaded", "up", 1, sha256="aa"),
    fact(2, "asset.tags_edited", "one", 2, tags={"title": "one"}),
    fact(3, "asset.tags_edited", "two", 3, tags={"title": "two"}),
]
DEEDS = [
    deed("upload", "up", 1.0, 1, sha256="aa"),
    deed("edit", "one", 2.0, 2, tags={"title": "one"}),
    deed("edit", "two", 3.0, 3, tags={"title": "two"}),
]


def test_a_log_that_keeps_every_promise_has_no_finding():
    assert compare(DEEDS, FACTS).all() == {}


def test_a_command_without_an_answer_may_be_there_or_not():
    unknown = replace(DEEDS[2], outcome="unknown", position=None)
    assert compare([*DEEDS[:2], unknown], FACTS).all() == {}
    assert compare([*DEEDS[:2], unknown], FACTS[:2]).all() == {}


@pytest.mark.parametrize(
    "broken",
    [
        FACTS[:2],
        [*FACTS[:2], replace(FACTS[2], data={"tags": {"title": "another"}})],
        [*FACTS[:2], replace(FACTS[2], stream_id="ast_2", stream_version=1)],
    ],
    ids=["gone", "says something else", "in another stream"],
)
def test_an_acknowledged_command_that_is_not_there_as_promised_is_lost(broken: list[Fact]):
    assert len(compare(DEEDS, broken).lost) == 1


def test_another_position_or_version_than_promised_is_lost():
    assert compare([*DEEDS[:2], replace(DEEDS[2], position=4)], FACTS).lost
    assert compare([*DEEDS[:2], replace(DEEDS[2], version=9)], FACTS).lost


def test_what_is_there_under_the_same_command_or_another_is_duplicated():
    again = replace(FACTS[2], position=4, stream_version=4)
    assert len(compare(DEEDS, [*FACTS, again]).duplicated) == 2
    other = replace(again, command_id="three")
    asked = deed("edit", "three", 4.0, 4, tags={"title": "two"})
    assert len(compare([*DEEDS, asked], [*FACTS, other]).duplicated) == 1


def test_the_same_bytes_twice_in_a_vault_are_duplicated_unless_deleted_between():
    twice = fact(2, "asset.uploaded", "again", sha256="aa", stream="ast_2")
    asked = replace(deed("upload", "again", 2.0, 2, sha256="aa"), stream_id="ast_2")
    assert compare([DEEDS[0], asked], [FACTS[0], twice]).duplicated
    deleted = fact(2, "asset.deleted", "gone", 2, sha256="aa")
    gone = deed("delete", "gone", 1.8, 2)
    later = [replace(asked, sent_at=3.0, answered_at=3.5, position=3)]
    facts = [FACTS[0], deleted, replace(twice, position=3)]
    assert compare([DEEDS[0], gone, *later], facts).all() == {}


def test_a_refused_command_must_have_left_nothing():
    refused = replace(DEEDS[2], outcome="refused", position=None)
    assert compare([*DEEDS[:2], refused], FACTS).duplicated


def test_an_event_that_nobody_asked_for_is_found():
    assert len(compare(DEEDS[:2], FACTS).unasked) == 1


def test_what_was_answered_before_another_was_sent_stands_before_it():
    late = replace(DEEDS[1], sent_at=5.0, answered_at=5.5)
    assert len(compare([DEEDS[0], late, DEEDS[2]], FACTS).misordered) == 1


def test_a_gap_in_positions_or_versions_is_found():
    assert compare(DEEDS[:1], [FACTS[0], replace(FACTS[1], position=3)]).gaps
    assert compare(DEEDS[:2], [FACTS[0], replace(FACTS[1], stream_version=3)]).gaps
