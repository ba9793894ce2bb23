"""Every usual way of writing a key means one of 24 names; anything else means nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.audio.keys import KEY_NAMES, NOTES, normalise_key

WRITTEN = {
    "A minor": "A minor", "Am": "A minor", "a min": "A minor", "A-moll": "A minor",
    "AMINOR": "A minor", "C": "C major", "CM": "C major", "Cmaj": "C major", "c dur": "C major",
    "Abm": "G# minor", "Bb": "A# major", "B♭ major": "A# major", "F♯m": "F# minor",
    "F sharp minor": "F# minor", "E-flat major": "D# major", "Cb": "B major", "E#m": "F minor",
    "H moll": "B minor", "8A": "A minor", "08A": "A minor", "8B": "C major", "12A": "C# minor",
    "1A": "G# minor", "3B": "C# major", "1m": "A minor", "1d": "C major", "2d": "G major",
}  # fmt: skip


@pytest.mark.parametrize(("written", "name"), WRITTEN.items())
def test_a_key_is_understood_however_it_is_written(written: str, name: str) -> None:
    assert normalise_key(written) == name
    assert normalise_key(f"  {written}\n") == name


@pytest.mark.parametrize("written", ["", "o", "0A", "13B", "8C", "X minor", "A minor third", None])
def test_what_is_no_key_means_nothing(written: str | None) -> None:
    assert normalise_key(written) is None


@given(st.text(max_size=20))
def test_any_text_gives_one_of_24_names_or_nothing(text: str) -> None:
    assert normalise_key(text) in KEY_NAMES | {None}


@given(st.sampled_from(sorted(KEY_NAMES)))
def test_a_normal_name_stays_as_it_is(name: str) -> None:
    assert normalise_key(name) == name


@given(st.integers(1, 12), st.sampled_from("AB"))
def test_one_step_on_the_wheel_is_a_fifth(number: int, ring: str) -> None:
    here = normalise_key(f"{number}{ring}")
    after = normalise_key(f"{number % 12 + 1}{ring}")
    assert here is not None
    assert after is not None
    steps = NOTES.index(after.split()[0]) - NOTES.index(here.split()[0])
    assert steps % 12 == 7
    assert after.split()[1] == here.split()[1]
