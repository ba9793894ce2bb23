"""The small rules of collections' pages: another order, and a drawing for a name."""

from __future__ import annotations

import pytest

from web.pages.vault.collections import moved
from web.pages.vault.covers import BARS, HIGHEST, LOWEST, pattern


@pytest.mark.parametrize(
    ("which", "steps", "then"),
    [
        ("b", -1, "bacd"),
        ("b", 1, "acbd"),
        ("a", -1, "abcd"),
        ("d", 1, "abcd"),
        ("x", 1, "abcd"),
        ("", -1, "abcd"),
    ],
)
def test_one_track_goes_a_step_further_and_never_over_an_end(which: str, steps: int, then: str):
    assert moved(list("abcd"), which, steps) == list(then)


@pytest.mark.parametrize("name", ["", None, "Summer EP", "\N{SNOWMAN}" * 200])
def test_a_name_always_gets_the_same_drawing_within_its_square(name: str | None):
    drawn = pattern(name)
    assert drawn == pattern(name)
    assert [x for x, _ in drawn] == [number * 60 // BARS for number in range(BARS)]
    assert all(LOWEST <= height <= HIGHEST for _, height in drawn)


def test_two_names_look_different():
    assert pattern("Summer EP") != pattern("Winter EP")
