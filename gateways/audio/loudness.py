"""Loudness (ITU-R BS.1770-4, EBU Tech 3342) and true peak of a stream of blocks, in flat memory."""

from __future__ import annotations

import math

import numpy as np
from pyloudnorm import IIRfilter
from scipy.signal import firwin, sosfilt

from gateways.audio.defects.clipping import spans_of
from schemas.audio.report import Span

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
STEP_S = 0.1
STEPS_PER_WINDOW = 4  # 400 ms windows, 75 % overlapping
STEPS_PER_SECOND = 10
SHORT_TERM_STEPS = 30  # 3 s
RANGE_GATE_LU = -20.0


class LoudnessMeter:
    """Integrated loudness of blocks (samples, channels); `weights` (channels,) say how much each
    counts, all the same without.

    pyloudnorm's own function wants the whole signal and copies it twice (4 hours of stereo are
    5 GB), so this takes its K-weighting filters and keeps one energy per 100 ms.
    """

    def __init__(
        self, sample_rate_hz: int, channels: int, weights: np.ndarray | None = None
    ) -> None:
        self._weights = np.ones(channels) if weights is None else weights
        shelf = IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, sample_rate_hz, "high_shelf")
        high_pass = IIRfilter(0.0, 0.5, 38.0, sample_rate_hz, "high_pass")
        self._sections = np.array([[*stage.b, *stage.a] for stage in (shelf, high_pass)])
        self._state = np.zeros((2, 2, channels))
        self._step = round(STEP_S * sample_rate_hz)
        self._rest = np.empty(0)
        self._steps: list[np.ndarray] = []

    def feed(self, block: np.ndarray) -> None:
        weighted, self._state = sosfilt(
            self._sections, block.astype(np.float64), axis=0, zi=self._state
        )
        energy = np.concatenate((self._rest, np.square(weighted) @ self._weights))
        whole = len(energy) - len(energy) % self._step
        self._steps.append(energy[:whole].reshape(-1, self._step).mean(axis=1))
        self._rest = energy[whole:]

    def integrated_lufs(self) -> float | None:
        """None for less than 400 ms and for what no gate lets through (silence)."""
        heard = self._gated(STEPS_PER_WINDOW, RELATIVE_GATE_LU)
        return _lufs(heard.mean()) if len(heard) else None

    def range_lu(self) -> float | None:
        """Loudness range: between the 10th and the 95th percentile of the gated short-term
        loudness; None for less than three seconds and for silence."""
        heard = self._gated(SHORT_TERM_STEPS, RANGE_GATE_LU)
        if len(heard) == 0:
            return None
        quiet, loud = np.percentile(10 * np.log10(heard), [10, 95])
        return float(loud - quiet)

    def short_term_lufs(self) -> list[float | None]:
        """One for each second: the 3 s around its middle (less at the ends); None in silence."""
        steps = np.concatenate([np.zeros(1), *self._steps])
        sums = np.cumsum(steps)
        middles = np.arange(STEPS_PER_SECOND // 2, len(steps), STEPS_PER_SECOND)
        first = np.maximum(middles - SHORT_TERM_STEPS // 2, 0)
        last = np.minimum(middles + SHORT_TERM_STEPS // 2, len(steps) - 1)
        energies = (sums[last] - sums[first]) / np.maximum(last - first, 1)
        silent = _energy(ABSOLUTE_GATE_LUFS)
        return [round(_lufs(one), 1) if one > silent else None for one in energies]

    def _gated(self, steps_per_window: int, relative_gate_lu: float) -> np.ndarray:
        """Energies of the windows that both gates let through (n,)."""
        steps = np.concatenate([np.empty(0), *self._steps])
        if len(steps) < steps_per_window:
            return np.empty(0)
        windows = np.convolve(steps, np.full(steps_per_window, 1 / steps_per_window), "valid")
        heard = windows[windows > _energy(ABSOLUTE_GATE_LUFS)]
        if len(heard) == 0:
            return heard
        return heard[heard > _energy(_lufs(heard.mean()) + relative_gate_lu)]


def _lufs(energy: float) -> float:
    return float(-0.691 + 10 * np.log10(energy))


def _energy(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


class TruePeakMeter:
    """Highest point between the samples, by 4 times oversampling around the high samples of each
    channel, and when it was over -1 dBTP."""

    LIMIT_DBTP = -1.0
    _REACH = 12  # samples each side that the interpolation filter looks at
    # Only what lies beside a sample over this share of the peak is interpolated: a sixth of the
    # work. A sine at half the rate can hide 4 dB more; nothing that was ever mastered does.
    _HIGH = 0.6
    _SPAN_S = 0.1

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate = rate_hz
        taps = 2 * self._REACH * 4 + 1
        low_pass = firwin(taps, 1 / 4, window=("kaiser", 5.0)) * 4
        # Of 25 samples around a moment: the three points between the middle one and the next.
        rows = [
            [self._tap(low_pass, 4 * (2 * self._REACH - at) + phase) for phase in (1, 2, 3)]
            for at in range(2 * self._REACH + 1)
        ]
        self._between = np.array(rows, dtype=np.float32)
        self._tail = np.zeros((2 * self._REACH + 1, channels), dtype=np.float32)
        self._at = -len(self._tail)
        self._peak = 0.0
        self._over: set[int] = set()

    def feed(self, block: np.ndarray) -> None:
        samples = np.concatenate((self._tail, block))
        self._peak = max(self._peak, float(np.abs(block).max(initial=0)))
        if self._peak > 0:
            for channel in samples.T:
                self._measure(np.ascontiguousarray(channel))
        self._tail = samples[-len(self._tail) :]
        self._at += len(block)

    def finish_dbtp(self) -> float | None:
        """None for digital silence."""
        self.feed(np.zeros_like(self._tail))
        return 20 * math.log10(self._peak) if self._peak > 0 else None

    def spans_over_limit(self) -> list[Span]:
        return spans_of(np.array(sorted(self._over)) * self._SPAN_S, 1.0)

    def _measure(self, channel: np.ndarray) -> None:
        high = np.abs(channel) >= self._HIGH * self._peak
        around = np.lib.stride_tricks.sliding_window_view(channel, 2 * self._REACH + 1)
        middle = slice(self._REACH, self._REACH + len(around))
        beside = high[middle] | np.append(high[1:], False)[middle]
        at = np.flatnonzero(beside)
        if len(at) == 0:
            return
        points = np.abs(around[at] @ self._between).max(axis=1)
        points = np.maximum(points, np.abs(channel[at + self._REACH]))
        self._peak = max(self._peak, float(points.max()))
        over = at[points > 10 ** (self.LIMIT_DBTP / 20)]
        seconds = np.maximum(over + self._REACH + self._at, 0) / self._rate
        self._over.update(np.unique((seconds / self._SPAN_S).astype(int)).tolist())

    @staticmethod
    def _tap(low_pass: np.ndarray, index: int) -> float:
        return float(low_pass[index]) if 0 <= index < len(low_pass) else 0.0
