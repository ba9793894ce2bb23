"""Key, tuning and chords of cadences whose answers are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.audio.keys import KEY_NAMES, NOTES
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.audio.tonality import pitches, tonality
from schemas.audio.report import Chord

RATE = SAMPLE_RATE_HZ
MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
# Degrees in semitones and their triads: I IV V I vi IV V I, i iv V i VI iv V i.
CADENCES = {
    "major": ((0, MAJOR), (5, MAJOR), (7, MAJOR), (0, MAJOR), (9, MINOR), (5, MAJOR), (7, MAJOR)),
    "minor": ((0, MINOR), (5, MINOR), (7, MAJOR), (0, MINOR), (8, MAJOR), (5, MINOR), (7, MAJOR)),
}


def cadence(key: str, *, tuning_hz: float = 440.0, chord_s: float = 1.2) -> np.ndarray:
    """Seven chords and the tonic, with bass, six overtones and a soft attack."""
    tonic, mode = NOTES.index(key.split()[0]), key.split()[1]
    steps = CADENCES[mode]
    return np.concatenate(
        [_chord(tonic + root, triad, tuning_hz, chord_s) for root, triad in (*steps, steps[0])]
    )


def _chord(root: int, triad: tuple[int, ...], tuning_hz: float, length_s: float) -> np.ndarray:
    t = np.arange(int(length_s * RATE)) / RATE
    envelope = np.minimum(1, t / 0.02) * np.exp(-1.5 * t / length_s)
    notes = [36 + root % 12] + [60 + (root + note) % 12 for note in triad]
    sound = np.zeros(len(t))
    for note in notes:
        hz = tuning_hz * 2 ** ((note - 69) / 12)
        sound += sum(0.5**k * np.sin(2 * np.pi * hz * (k + 1) * t) for k in range(6))
    return (0.15 * sound * envelope).astype(np.float32)


@pytest.mark.parametrize("key", sorted(KEY_NAMES))
def test_a_cadence_is_in_its_key(key: str) -> None:
    found = tonality(Sound(cadence(key))).key
    assert found.value == key
    assert found.camelot
    assert [one.key for one in found.candidates].index(key) == 0
    assert len({one.key for one in found.candidates}) == 5


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(sorted(KEY_NAMES)), st.floats(-40, 40))
def test_a_key_holds_in_every_tuning(key: str, cents: float) -> None:
    tuning_hz = 440 * 2 ** (cents / 1200)
    found = tonality(Sound(cadence(key, tuning_hz=tuning_hz))).key
    assert found.value == key
    assert found.tuning_hz == pytest.approx(tuning_hz, rel=0.004)  # 7 cents


def test_chords_are_named_in_their_places() -> None:
    spans = tonality(Sound(cadence("G major"))).chords.spans
    played = ["G", "C", "D", "G", "E minor", "C", "D", "G"]
    heard = [_at(spans, 1.2 * place + 0.6) for place in range(8)]
    assert heard == played
    assert spans[0].start_s == 0
    assert all(a.end_s == b.start_s for a, b in pairwise(spans))


def test_chords_keep_to_the_beats() -> None:
    beats_s = [0.6 * n for n in range(16)]
    spans = tonality(Sound(cadence("C major")), beats_s=beats_s).chords.spans
    assert [_at(spans, 1.2 * n + 0.6) for n in range(4)] == ["C", "F", "G", "C"]
    edges = {round(span.start_s / 0.3, 2) % 1 for span in spans}
    assert edges == {0.0}


def _at(spans: list[Chord], at_s: float) -> str:
    return next(span.name for span in spans if span.start_s <= at_s < span.end_s)


def test_a_rest_has_no_chord() -> None:
    sound = np.concatenate((cadence("C major"), np.zeros(4 * RATE, np.float32)))
    spans = tonality(Sound(sound)).chords.spans
    assert _at(spans, 8 * 1.2 + 2) == "N"


@pytest.mark.parametrize("sound", [np.zeros(3 * RATE), np.ones(300), np.zeros(0)])
def test_what_has_no_pitch_has_no_key(sound: np.ndarray) -> None:
    found = tonality(Sound(sound.astype(np.float32)))
    assert found.key.value is None
    assert found.key.candidates == []
    assert found.chords.spans == []


def test_a_held_note_is_in_its_own_key() -> None:
    t = np.arange(5 * RATE) / RATE
    found = tonality(Sound((0.5 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)))
    assert found.key.value in ("A major", "A minor")


def test_a_semitone_up_moves_every_pitch_by_one() -> None:
    low = pitches(Sound(cadence("C major"))).chroma.sum(axis=0)
    high = pitches(Sound(cadence("C# major"))).chroma.sum(axis=0)
    assert np.corrcoef(np.roll(low, 1), high)[0, 1] > 0.98
