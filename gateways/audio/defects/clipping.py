"""Peaks cut flat: three samples in a row that stand still, with a corner before or after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.audio.report import Span

MIN_RUN = 3
FULL_SCALE = 0.98  # -0.18 dBFS
_STILL = 1e-4  # three steps of 16 bits
# A low note also stands still at its top (50 Hz at full scale: three samples), but comes there
# slowly: its steps beside are under 0.0001, those of a 50 Hz note cut by half a decibel 0.0025.
_CORNER = 1e-3
# Waves that are flat by nature (a chip's square) spend their time there; cut music does not.
_FLAT_BY_NATURE = 0.5
# What was cut and turned down later has its corners all at its highest level.
_AT_THE_TOP = 0.999
_MIN_RUNS_BELOW_FULL_SCALE = 20
_CONTEXT = 64
# Kept with their places; more are only counted: four hours of a square wave have 300 million.
_MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class Clipping:
    runs: int
    spans: list[Span]


class ClippingMeter:
    """Feed float32 blocks (samples, channels) at the file's own rate."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate = rate_hz
        self._tail = np.zeros((_CONTEXT, channels), np.float32)
        self._at = -_CONTEXT
        self._peak = 0.0
        self._runs: list[np.ndarray] = []  # rows of (level, start sample, samples)
        self._kept = 0
        self._floor = 0.0
        self._more_runs, self._more_samples = 0, 0.0

    def feed(self, block: np.ndarray) -> None:
        samples = np.concatenate((self._tail, block))
        loudest = float(np.abs(block).max(initial=0))
        self._peak = max(self._peak, loudest)
        if loudest >= max(0.25, self._peak * _AT_THE_TOP):
            for channel in samples.T:
                self._collect(np.ascontiguousarray(channel))
        self._at += len(block)
        self._tail = samples[-_CONTEXT:]

    def finish(self) -> Clipping:
        runs = np.concatenate([np.empty((0, 3)), *self._runs])
        runs = runs[runs[:, 0] >= min(FULL_SCALE, self._peak * _AT_THE_TOP)]
        below = self._peak < FULL_SCALE
        flat_samples = runs[:, 2].sum() + self._more_samples
        flat_share = flat_samples / max(self._at + _CONTEXT, 1)
        few = len(runs) < _MIN_RUNS_BELOW_FULL_SCALE or flat_share > _FLAT_BY_NATURE
        if len(runs) == 0 or (below and few):
            return Clipping(0, [])
        starts = np.unique(runs[:, 1]) / self._rate
        return Clipping(len(runs) + self._more_runs, spans_of(starts, 1.0))

    def _collect(self, channel: np.ndarray) -> None:
        level = np.abs(channel)
        floor = max(0.25, min(FULL_SCALE, self._peak * _AT_THE_TOP))
        # A sample that stands with the one before it, or is beyond what can be played.
        step = np.abs(np.diff(channel, prepend=channel[:1]))
        still = (level >= floor) & ((step <= _STILL) | (level > 1.0))
        edges = np.flatnonzero(np.diff(still, prepend=False, append=False))
        starts, stops = edges[::2] - 1, edges[1::2]  # the first of them moved there
        inside = (starts >= 1) & (stops < len(channel) - 1)
        starts, stops = starts[inside], stops[inside]
        corner = np.maximum(step[starts], step[np.minimum(stops, len(step) - 1)]) >= _CORNER
        kept = (stops - starts >= MIN_RUN) & corner & self._new(stops, len(channel))
        if kept.any():
            found = (level[stops[kept] - 1], starts[kept] + self._at, (stops - starts)[kept])
            self._keep(np.stack(found, axis=1), floor)

    def _keep(self, runs: np.ndarray, floor: float) -> None:
        if floor > self._floor:  # those under it count no longer
            self._floor = floor
            above = np.concatenate([np.empty((0, 3)), *self._runs])
            above = above[above[:, 0] >= floor]
            self._runs, self._kept = [above], len(above)
            self._more_runs, self._more_samples = 0, 0.0
        if self._kept < _MOST_RUNS:
            self._runs.append(runs)
            self._kept += len(runs)
        else:
            self._more_runs += len(runs)
            self._more_samples += float(runs[:, 2].sum())

    @staticmethod
    def _new(stops: np.ndarray, length: int) -> np.ndarray:
        """Tells the runs that count now. A run that ended in the context was counted with the block
        before, unless it reached that block's very end."""
        return np.asarray(stops >= _CONTEXT - 1) & (stops < length)


def spans_of(starts_s: np.ndarray, apart_s: float, most: int = 200) -> list[Span]:
    """Sorted moments as spans: those less than `apart_s` apart are one; the first `most`."""
    if len(starts_s) == 0:
        return []
    breaks = np.flatnonzero(np.diff(starts_s) > apart_s)
    first = np.concatenate(([0], breaks + 1))
    last = np.concatenate((breaks, [len(starts_s) - 1]))
    return [
        Span(start_s=round(float(starts_s[a]), 3), end_s=round(float(starts_s[b]) + 0.01, 3))
        for a, b in zip(first[:most], last[:most], strict=True)
    ]
