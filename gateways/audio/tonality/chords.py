"""Chords: the likeliest path through 24 triads and silence, from beat to beat or by quarter
seconds."""

from __future__ import annotations

import numpy as np

from gateways.audio.keys import NOTES
from gateways.audio.tonality.pitches import FRAME_RATE_HZ, Pitches
from schemas.audio.report import Chord

NO_CHORD = "N"
_NAMES = (*NOTES, *(f"{note} minor" for note in NOTES), NO_CHORD)
_STEP_S = 0.25
_STAY = 3.0  # log odds of holding a chord on against each other chord
_SHARPNESS = 14.0  # of a fit of 0..1, in log odds
_NO_CHORD_FIT = 0.55
_QUIET = 0.02  # of the loud frames' level: no chord under it


def find_chords(heard: Pitches, beats_s: list[float], duration_s: float) -> list[Chord]:
    """Spans without gaps over the whole sound."""
    edges = _edges(beats_s, duration_s)
    if len(edges) < 2:
        return []
    fits = _fits(_means(heard.chroma, edges), _means(heard.bass, edges))
    path, sure = _likeliest(fits * _SHARPNESS)
    return _spans(path, sure, edges)


def _edges(beats_s: list[float], duration_s: float) -> np.ndarray:
    """From beat to beat, halved: harmony changes off the beat too; else every quarter second."""
    if len(beats_s) < 2:
        return np.append(np.arange(0, duration_s, _STEP_S), duration_s)
    beats = np.array(beats_s)
    halves = (beats[:-1] + beats[1:]) / 2
    gap = float(np.median(np.diff(beats))) / 2
    before = np.arange(beats[0] - gap, 0, -gap)[::-1]
    after = np.arange(beats[-1] + gap, duration_s, gap)
    inner = np.sort(np.concatenate((before, beats, halves, after)))
    inner = inner[(inner > 0.05) & (inner < duration_s - 0.05)]
    return np.concatenate(([0.0], inner, [duration_s]))


def _means(curve: np.ndarray, edges: np.ndarray) -> np.ndarray:
    frames = np.clip(np.round(edges * FRAME_RATE_HZ).astype(int), 0, len(curve) - 1)
    sums = np.vstack((np.zeros(12), np.cumsum(curve, axis=0, dtype=np.float64)))
    last = np.maximum(frames[1:], frames[:-1] + 1)
    return (sums[last] - sums[frames[:-1]]) / (last - frames[:-1])[:, None]


def _fits(chroma: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """(steps, 25), 0..1: the cosine with each triad, and the root in the bass."""
    level = chroma.sum(axis=1)
    fits = _unit(chroma) @ _TRIADS.T + 0.12 * np.tile(_unit(bass), (1, 2))
    loud = float(np.percentile(level, 90)) if len(level) else 0.0
    none = np.where(level < _QUIET * loud, 2.0, _NO_CHORD_FIT)
    return np.column_stack((fits, none))


def _likeliest(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Viterbi over (steps, states): the path, and how sure each step is by itself."""
    best, came_from = scores[0], np.zeros(scores.shape, dtype=int)
    for step in range(1, len(scores)):
        held, leapt = best + _STAY, int(best.argmax())
        came_from[step] = np.where(held >= best[leapt], np.arange(len(best)), leapt)
        best = np.maximum(held, best[leapt]) + scores[step]
    path = np.empty(len(scores), dtype=int)
    path[-1] = best.argmax()
    for step in range(len(scores) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return path, shares[np.arange(len(path)), path]


def _spans(path: np.ndarray, sure: np.ndarray, edges: np.ndarray) -> list[Chord]:
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    stops = np.append(starts[1:], len(path))
    return [
        Chord(
            start_s=round(float(edges[start]), 3),
            end_s=round(float(edges[stop]), 3),
            name=_NAMES[path[start]],
            confidence=round(float(sure[start:stop].mean()), 3),
        )
        for start, stop in zip(starts, stops, strict=True)
    ]


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def _triads() -> np.ndarray:
    """(24, 12): root, third and fifth, with the overtones each of them brings along."""
    rows = []
    for third in (4, 3):
        for root in range(12):
            row = np.zeros(12)
            for note, weight in ((0, 1.0), (third, 0.9), (7, 0.9)):
                row[(root + note) % 12] += weight
                row[(root + note + 7) % 12] += 0.15 * weight
            rows.append(row)
    return _unit(np.array(rows))


_TRIADS = _triads()
