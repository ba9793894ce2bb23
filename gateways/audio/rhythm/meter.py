"""How many beats make a bar, and which of them are the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.rhythm.onsets import FRAME_RATE_HZ, Onsets
from gateways.audio.tonality.pitches import FRAME_RATE_HZ as PITCH_RATE_HZ
from gateways.audio.tonality.pitches import Pitches

_METERS = (4, 3)
_MIN_BARS = 4


@dataclass(frozen=True)
class Meter:
    """`downbeats`: indexes of beats; `confidence` 0..1 that the bars are as long as that."""

    beats_a_bar: int
    downbeats: list[int]
    confidence: float


def find_meter(beats_s: np.ndarray, attacks: Onsets, heard: Pitches) -> Meter | None:
    """By what changes at each beat: bass drum, bass note, harmony. None under four bars."""
    if len(beats_s) < _MIN_BARS * max(_METERS):
        return None
    weight = _weights(beats_s, attacks, heard)
    strengths = {count: _contrast(weight, count) for count in _METERS}
    count = max(_METERS, key=lambda one: strengths[one][0])
    (best, phase), other = strengths[count], min(strength for strength, _ in strengths.values())
    confidence = float(np.clip((best - other) * 2, 0, 1))
    return Meter(count, list(range(phase, len(beats_s), count)), confidence)


def _contrast(weight: np.ndarray, count: int) -> tuple[float, int]:
    """How far the heaviest beat of a bar stands above the mean, in standard errors; which it is."""
    means = np.array([weight[phase::count].mean() for phase in range(count)])
    phase = int(means.argmax())
    error = weight.std() / np.sqrt(len(weight) / count) + 1e-9
    # The largest of many means is large by chance alone: more beats a bar must not win by that.
    return float((means[phase] - weight.mean()) / error) / np.sqrt(2 * np.log(count) + 1), phase


def _weights(beats_s: np.ndarray, attacks: Onsets, heard: Pitches) -> np.ndarray:
    low = _at(beats_s, attacks.low)
    harmony = _change(beats_s, heard.chroma)
    bass = _change(beats_s, heard.bass)
    return 0.8 * _standard(low) + 1.2 * _standard(harmony) + 1.0 * _standard(bass)


def _at(beats_s: np.ndarray, curve: np.ndarray) -> np.ndarray:
    frames = np.round(beats_s[:, None] * FRAME_RATE_HZ + np.arange(-2, 3)).astype(int)
    return curve[np.clip(frames, 0, len(curve) - 1)].max(axis=1)


def _change(beats_s: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """1 - cosine of the beat before and the beat after."""
    chords = between(beats_s, chroma)
    norm = np.linalg.norm(chords, axis=1, keepdims=True)
    chords = chords / np.maximum(norm, 1e-9)
    before = np.vstack((chords[:1], chords[:-1]))
    return 1 - (chords * before).sum(axis=1)


def between(beats_s: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """The mean of a curve at PITCH_RATE_HZ (frames, n) from each beat to the next (beats, n)."""
    edges = np.append(beats_s, beats_s[-1] + np.median(np.diff(beats_s)))
    frames = np.clip(np.round(edges * PITCH_RATE_HZ).astype(int), 0, len(curve))
    sums = np.vstack((np.zeros(curve.shape[1]), np.cumsum(curve, axis=0, dtype=np.float64)))
    length = np.maximum(np.diff(frames), 1)[:, None]
    return (sums[frames[1:]] - sums[frames[:-1]]) / length


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-9)
