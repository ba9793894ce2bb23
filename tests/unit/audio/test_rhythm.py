"""Tempo, beats and bars of patterns whose answers are known; nothing of what has no beat."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest

from gateways.audio.rhythm import Rhythm, rhythm
from gateways.audio.rhythm.beats import steady_tempo_bpm, track_beats
from gateways.audio.rhythm.choice import same_tempo
from gateways.audio.rhythm.onsets import FRAME_RATE_HZ, onsets
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound

RATE = SAMPLE_RATE_HZ


def drums(
    bpm: float, *, beats_a_bar: int = 4, swing: float = 0.5, length_s: float = 20.0, seed: int = 1
) -> np.ndarray:
    """Kick and a bass note on the first beat of a bar, snare on every second, hats on eighths."""
    random = np.random.default_rng(seed)
    sound = np.zeros(int(length_s * RATE) + RATE, np.float32)
    beat_s = 60 / bpm
    for beat in range(int(length_s / beat_s)):
        at_s, place = beat * beat_s, beat % beats_a_bar
        if place == 0:
            root_hz = 55 * 2 ** (((beat // beats_a_bar) * 5 % 12) / 12)
            _add(sound, at_s, 0.9 * _tone(root_hz, beat_s * beats_a_bar * 0.9))
        if place in (0, 2):
            _add(sound, at_s, _tone(60, 0.12))
        else:
            _add(sound, at_s, 0.4 * _noise(random, 0.08))
        for part in (0.0, swing):
            _add(sound, at_s + part * beat_s, 0.15 * _noise(random, 0.02))
    return sound[: int(length_s * RATE)]


def _add(sound: np.ndarray, at_s: float, what: np.ndarray) -> None:
    at = int(at_s * RATE)
    room = sound[at : at + len(what)]
    room += what[: len(room)]


def _tone(hz: float, length_s: float) -> np.ndarray:
    t = np.arange(int(length_s * RATE)) / RATE
    return (np.sin(2 * np.pi * hz * t) * np.exp(-3 * t / length_s)).astype(np.float32)


def _noise(random: np.random.Generator, length_s: float) -> np.ndarray:
    t = np.arange(int(length_s * RATE)) / RATE
    return (random.normal(0, 1, len(t)) * np.exp(-5 * t / length_s)).astype(np.float32)


@pytest.mark.parametrize(("bpm", "swing"), [(84.0, 0.66), (101.5, 0.5), (128.0, 0.5), (150, 0.6)])
def test_the_tempo_of_a_pattern_is_found_to_a_tenth(bpm: float, swing: float) -> None:
    found = rhythm(Sound(drums(bpm, swing=swing)))
    assert found.tempo.value == pytest.approx(bpm, abs=0.15)
    assert found.tempo.stable is True
    _check_candidates(found)


def _check_candidates(found: Rhythm) -> None:
    first, *others = found.tempo.candidates
    assert first.bpm == found.tempo.value
    assert first.confidence == found.tempo.confidence
    ratios = [round(other.bpm / first.bpm, 2) for other in others]
    assert 0.5 in ratios
    assert 2.0 in ratios
    assert all(other.confidence <= first.confidence for other in others)


def test_without_essentia_the_answer_is_the_same_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "essentia", None)
    found = rhythm(Sound(drums(118.0)), analyser="auto")
    assert found.tempo.value == pytest.approx(118.0, abs=0.15)
    _check_candidates(found)


def test_beats_fall_where_they_were_played() -> None:
    beats_s = np.array(rhythm(Sound(drums(120.0))).beats.times_s)
    assert len(beats_s) >= 36
    off_s = np.abs(beats_s - np.round(beats_s / 0.5) * 0.5)
    assert float(np.median(off_s)) < 0.02
    assert float(off_s.max()) < 0.06


@pytest.mark.parametrize("beats_a_bar", [3, 4])
def test_bars_are_as_long_as_they_were_played(beats_a_bar: int) -> None:
    found = rhythm(Sound(drums(120.0, beats_a_bar=beats_a_bar, length_s=30)))
    assert found.time_signature.value == f"{beats_a_bar}/4"
    bars = found.beats.downbeats
    assert {after - before for before, after in pairwise(bars)} == {beats_a_bar}
    firsts_s = [found.beats.times_s[at] for at in bars]
    off = [round(at_s / 0.5) % beats_a_bar for at_s in firsts_s]
    assert off == [0] * len(off)


def test_a_pattern_that_speeds_up_is_not_called_steady() -> None:
    steps = np.cumsum(60 / np.linspace(90, 140, 60))
    sound = np.zeros(int((steps[-1] + 1) * RATE), np.float32)
    for at_s in steps:
        _add(sound, float(at_s), _tone(80, 0.1))
    assert rhythm(Sound(sound)).tempo.stable is not True


@pytest.mark.parametrize("kind", ["silence", "sine", "pad", "noise", "two seconds", "one click"])
def test_what_has_no_beat_has_no_tempo(kind: str) -> None:
    t = np.arange(8 * RATE) / RATE
    random = np.random.default_rng(3)
    sounds = {
        "silence": np.zeros(len(t)),
        "sine": 0.5 * np.sin(2 * np.pi * 440 * t),
        "pad": sum(0.2 * np.sin(2 * np.pi * hz * t + hz) for hz in (220, 277.2, 329.6, 440)),
        "noise": random.normal(0, 0.1, len(t)),
        "two seconds": drums(120, length_s=2.0),
        "one click": np.concatenate((np.ones(400), np.zeros(len(t)))),
    }
    found = rhythm(Sound(np.asarray(sounds[kind], dtype=np.float32)))
    assert found.tempo.value is None
    assert found.tempo.candidates == []
    assert found.beats.times_s == []
    assert found.time_signature.value is None


def test_beats_hold_on_through_a_gap() -> None:
    curve = np.zeros(round(20 * FRAME_RATE_HZ))
    beats = np.round(np.arange(0.5, 19.5, 0.5) * FRAME_RATE_HZ).astype(int)
    curve[beats[(beats < 800) | (beats > 1000)]] = 1
    found_s = track_beats(curve, 120)
    assert float(np.abs(np.diff(found_s) - 0.5).max()) < 0.03


def test_a_steady_tempo_is_finer_than_one_frame() -> None:
    beats_s = np.round(np.arange(40) * 60 / 123.4 * FRAME_RATE_HZ) / FRAME_RATE_HZ
    assert steady_tempo_bpm(beats_s, 123) == pytest.approx(123.4, abs=0.1)
    assert steady_tempo_bpm(beats_s[:7], 123) is None
    assert steady_tempo_bpm(beats_s, 90) is None


def test_onsets_are_centred_on_their_moment() -> None:
    sound = np.zeros(4 * RATE, np.float32)
    _add(sound, 2.0, _noise(np.random.default_rng(1), 0.05))
    assert np.argmax(onsets(Sound(sound)).every) / FRAME_RATE_HZ == pytest.approx(2.0, abs=0.025)


def test_the_same_tempo_is_within_four_per_cent() -> None:
    assert same_tempo(100, 103.9)
    assert not same_tempo(100, 105)
