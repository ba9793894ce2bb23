"""How figures are written."""

from __future__ import annotations

import pytest

from schemas.audio import harmony
from web import looks


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0:00"), (59.6, "1:00"), (187, "3:07"), (3727, "1:02:07"), (None, "–")],
)
def test_a_length_is_written_as_a_clock(seconds, written):
    assert looks.clock(seconds) == written


def test_a_negative_level_has_a_real_minus():
    assert looks.decimal(-9.14) == "\u22129.1"


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("C major", "8B"),
        ("A minor", "8A"),
        ("G major", "9B"),
        ("F major", "7B"),
        ("G# minor", "1A"),
    ],
)
def test_a_key_has_its_place_on_the_mixing_wheel(key, place):
    assert harmony.camelot(key) == place


def test_all_keys_stand_on_different_places_of_the_wheel():
    assert len({harmony.camelot(key) for key in harmony.KEYS}) == 24


@pytest.mark.parametrize(
    ("count", "written"), [(999, "999 bytes"), (887_600, "888 kB"), (65_900_000, "65.9 MB")]
)
def test_bytes_are_written_in_decimal_units(count, written):
    assert looks.size(count) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [("best path (Ellis 2007)", "Best path (Ellis 2007)."), ("It is.", "It is."), ("", "")],
)
def test_a_method_is_written_as_a_sentence(text, written):
    assert looks.sentence(text) == written
