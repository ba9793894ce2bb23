"""Where the beats fall, once the tempo is known: the best path through the attacks."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gateways.audio.rhythm.onsets import FRAME_RATE_HZ

_TIGHTNESS = 400.0  # how dearly a gap that differs from the beat is paid for (Ellis 2007: 400)
MIN_BEATS = 8


def track_beats(curve: np.ndarray, bpm: float) -> np.ndarray:
    """Beat times (n,) in seconds along a curve of attacks, by dynamic programming (Ellis 2007)."""
    period = 60 / bpm * FRAME_RATE_HZ
    if len(curve) < 2 * period:
        return np.empty(0)
    local = gaussian_filter1d(curve, max(1.0, period / 32))
    local = local / (local.std() + 1e-9)
    score, came_from = _best_paths(local, period)
    # The last beat is the best one in the last period and a half.
    tail = max(0, len(score) - round(1.5 * period))
    at = tail + int(np.argmax(score[tail:]))
    path = []
    while at >= 0:
        path.append(at)
        at = int(came_from[at])
    return _refined_s(np.array(path[::-1]), local)


def _best_paths(local: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    gaps = np.arange(round(period / 2), round(period * 2) + 1)
    cost = _TIGHTNESS * np.log(gaps / period) ** 2
    nearest, furthest = int(gaps[0]), int(gaps[-1])
    score = np.concatenate((np.zeros(furthest), local))
    came_from = np.full(len(local), -1)
    backwards = -cost[::-1]  # so that it lies as the slice of earlier scores does
    # All frames up to the nearest gap ahead depend on settled ones only: a block at once.
    for start in range(0, len(local), nearest):
        stop = min(start + nearest, len(local))
        earlier = np.lib.stride_tricks.sliding_window_view(
            score[start : stop + furthest - nearest], len(gaps)
        )[: stop - start]
        weighed = earlier + backwards
        best = weighed.argmax(axis=1)
        rows = np.arange(stop - start)
        frames = rows + start
        before = frames - furthest + best
        reached = (before >= 0) & (weighed[rows, best] > 0)
        came_from[start:stop] = np.where(reached, before, -1)
        gain = np.where(reached, weighed[rows, best], 0)
        score[furthest + start : furthest + stop] = local[start:stop] + gain
    return score[furthest:], came_from


def _refined_s(path: np.ndarray, local: np.ndarray) -> np.ndarray:
    """To a fraction of a frame, by a parabola through each peak."""
    inner = path[(path > 0) & (path < len(local) - 1)]
    left, top, right = local[inner - 1], local[inner], local[inner + 1]
    bend = left - 2 * top + right
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1), 0)
    return (inner + np.clip(shift, -0.5, 0.5)) / FRAME_RATE_HZ


def steady_tempo_bpm(beats_s: np.ndarray, rough_bpm: float) -> float | None:
    """The tempo of beat times (n,) in seconds, near a rough one, finer than one frame's step.

    A line through the beats: of all the gaps, those within 8 % of the rough beat are counted as
    one, and the longest run without a slip is fitted. None below 8 beats.
    """
    if len(beats_s) < MIN_BEATS or rough_bpm <= 0:
        return None
    regular = np.abs(np.diff(beats_s) * rough_bpm / 60 - 1) < 0.08
    edges = np.flatnonzero(np.diff(np.concatenate(([0], regular, [0]))))
    runs = edges.reshape(-1, 2)
    if len(runs) == 0:
        return None
    first, last = max(runs, key=lambda run: run[1] - run[0])
    if last - first + 1 < MIN_BEATS:
        return None
    beat_s = np.polyfit(np.arange(last - first + 1), beats_s[first : last + 1], 1)[0]
    return float(60 / beat_s)
