"""Where parts begin, which are alike, and that ten minutes take no more than they may."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.audio.structure import sections
from schemas.audio.report import Beats
from tests.unit.audio.test_rhythm import drums
from tests.unit.audio.test_tonality import cadence

RATE = SAMPLE_RATE_HZ
NO_BEATS = Beats(method="none")


def _part(kind: str) -> np.ndarray:
    """20 seconds."""
    verse = np.tile(cadence("A minor", chord_s=1.25), 2)
    chorus = np.tile(cadence("C major", chord_s=1.25), 2) * 1.5 + 0.6 * drums(96, length_s=20)
    chords = np.tile(cadence("F# major", chord_s=1.25), 2)
    bridge = np.random.default_rng(5).normal(0, 0.05, len(chords)) + 0.3 * chords
    return {"verse": verse, "chorus": chorus, "bridge": bridge}[kind].astype(np.float32)


def test_parts_begin_where_the_music_turns_and_return_under_their_letter() -> None:
    order = ("verse", "chorus", "verse", "chorus", "bridge", "chorus")
    found = sections(Sound(np.concatenate([_part(kind) for kind in order])), NO_BEATS).spans
    assert [span.label for span in found] == ["A", "B", "A", "B", "C", "B"]
    assert [span.start_s for span in found] == pytest.approx([0, 20, 40, 60, 80, 100], abs=2)
    assert [span.role for span in found][:2] == ["verse", "chorus"]
    assert found[0].start_s == 0
    assert found[-1].end_s == pytest.approx(120, abs=0.01)
    assert all(a.end_s == b.start_s for a, b in pairwise(found))


def test_a_turn_falls_on_the_nearest_bar() -> None:
    sound = Sound(np.concatenate((_part("verse"), _part("chorus"))))
    beats = Beats(method="test", times_s=[0.31 + n for n in range(40)], downbeats=[*range(40)])
    found = sections(sound, beats).spans
    assert len(found) == 2
    assert found[1].start_s % 1 == pytest.approx(0.31, abs=0.002)


@pytest.mark.parametrize("length_s", [0.5, 5.0, 40.0])
def test_what_never_turns_is_one_part(length_s: float) -> None:
    sound = drums(110, length_s=length_s)
    spans = sections(Sound(sound), NO_BEATS).spans
    assert [span.label for span in spans] == (["A"] if length_s >= 1 else [])


def test_silence_is_one_part() -> None:
    spans = sections(Sound(np.zeros(30 * RATE, np.float32)), NO_BEATS).spans
    assert [(span.start_s, span.end_s) for span in spans] == [(0.0, 30.0)]


def test_ten_minutes_take_bounded_memory() -> None:
    sound = Sound(np.tile(_part("verse"), 30))
    assert len(sound.at_22050) == 600 * 22_050
    tracemalloc.start()
    sections(sound, NO_BEATS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6
