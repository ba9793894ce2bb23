"""Loudness (ITU-R BS.1770-4, gated) and true peak of a stream of blocks, in flat memory."""

from __future__ import annotations

import math

import numpy as np
from pyloudnorm import IIRfilter
from scipy.signal import firwin, sosfilt, upfirdn

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
STEP_S = 0.1
STEPS_PER_WINDOW = 4  # 400 ms windows, 75 % overlapping


class LoudnessMeter:
    """Integrated loudness of mono or stereo blocks (samples, channels).

    pyloudnorm's own function wants the whole signal and copies it twice (4 hours of stereo are
    5 GB), so this takes its K-weighting filters and keeps one energy per 100 ms.
    """

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
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
        energy = np.concatenate((self._rest, np.square(weighted).sum(axis=1)))
        whole = len(energy) - len(energy) % self._step
        self._steps.append(energy[:whole].reshape(-1, self._step).mean(axis=1))
        self._rest = energy[whole:]

    def integrated_lufs(self) -> float | None:
        """None for less than 400 ms and for what no gate lets through (silence)."""
        steps = np.concatenate([np.empty(0), *self._steps])
        if len(steps) < STEPS_PER_WINDOW:
            return None
        windows = np.convolve(steps, np.full(STEPS_PER_WINDOW, 1 / STEPS_PER_WINDOW), "valid")
        heard = windows[windows > _energy(ABSOLUTE_GATE_LUFS)]
        if len(heard) == 0:
            return None
        relative_gate = _energy(_lufs(heard.mean()) + RELATIVE_GATE_LU)
        return _lufs(heard[heard > relative_gate].mean())


def _lufs(energy: float) -> float:
    return float(-0.691 + 10 * np.log10(energy))


def _energy(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


class TruePeakMeter:
    """Highest point between the samples, by 4 times oversampling each channel."""

    OVERSAMPLING = 4
    _REACH = 12  # samples each side that the interpolation filter looks at
    _PIECE = 4096

    def __init__(self, channels: int) -> None:
        taps = 2 * self._REACH * self.OVERSAMPLING + 1
        window = ("kaiser", 5.0)
        low_pass = firwin(taps, 1 / self.OVERSAMPLING, window=window) * self.OVERSAMPLING
        self._filter = low_pass.astype(np.float32)
        # No phase of the filter can lift a piece by more than this, so quiet pieces are skipped.
        self._most_gain = max(
            float(np.abs(low_pass[phase :: self.OVERSAMPLING]).sum())
            for phase in range(self.OVERSAMPLING)
        )
        self._context = 2 * self._REACH + 1
        self._tail = np.zeros((self._context, channels), dtype=np.float32)
        self._peak = 0.0

    def feed(self, block: np.ndarray) -> None:
        samples = np.concatenate((self._tail, block))
        for start in range(0, len(samples) - self._context, self._PIECE):
            self._measure(samples[start : start + self._PIECE + self._context])
        self._tail = samples[-self._context :]

    def finish_dbtp(self) -> float | None:
        """None for digital silence."""
        self.feed(np.zeros_like(self._tail))
        return 20 * math.log10(self._peak) if self._peak > 0 else None

    def _measure(self, piece: np.ndarray) -> None:
        loudest = float(np.abs(piece).max())
        self._peak = max(self._peak, loudest)
        if loudest * self._most_gain <= self._peak:
            return
        edge = 2 * self._REACH * self.OVERSAMPLING
        for channel in piece.T:
            between = upfirdn(self._filter, channel, up=self.OVERSAMPLING)[edge:-edge]
            self._peak = max(self._peak, float(np.abs(between).max()))
