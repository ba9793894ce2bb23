"""The spectrum of the file at its own rate: bands, the edge of its bandwidth, what cancels in mono,
and what is under the music in quiet passages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FRAME = 4096
_FRAMES_PER_SECOND = 8
_KEPT_QUIET = 600  # seconds
_HUM_TOP_HZ = 400
_MANY = 16  # frames at once


@dataclass(frozen=True)
class Spectra:
    """`power` (bins,): mean power of the channels; `mono` (bins,): of their sum in mono, by which
    the power of two equal channels is unchanged. `seconds`: of each second, its level in dBFS, the
    power up to 400 Hz (1 Hz a bin) and of wide bins above 1 kHz, for what is quiet."""

    rate_hz: int
    frames: int
    power: np.ndarray
    mono: np.ndarray
    level_db: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def frequencies_hz(self) -> np.ndarray:
        return np.fft.rfftfreq(FRAME, 1 / self.rate_hz)


class SpectrumMeter:
    """Feed whole seconds (rate, channels); a shorter last one counts for its bands only."""

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        bins = FRAME // 2 + 1
        self._window = np.hanning(FRAME).astype(np.float32)
        self._power, self._mono = np.zeros(bins), np.zeros(bins)
        self._frames = 0
        self._levels: list[float] = []
        self._low: list[np.ndarray] = []
        self._high: list[np.ndarray] = []
        self._second = np.hanning(rate_hz).astype(np.float32)

    def feed(self, second: np.ndarray) -> None:
        if len(second) < FRAME:
            return
        hop = max(FRAME // 2, (len(second) - FRAME) // (_FRAMES_PER_SECOND - 1) or 1)
        frames = np.lib.stride_tricks.sliding_window_view(second, FRAME, axis=0)[::hop]
        spectra = np.fft.rfft(frames * self._window, axis=2).astype(np.complex64)
        power = np.square(np.abs(spectra)).mean(axis=1)
        self._power += power.sum(axis=0)
        self._mono += np.square(np.abs(spectra.mean(axis=1))).sum(axis=0)
        self._frames += len(frames)
        if len(second) == self._rate:
            self._feed_quiet(second, power.mean(axis=0))

    def finish(self) -> Spectra:
        count = max(self._frames, 1)
        low = np.array(self._low) if self._low else np.empty((0, 0))
        high = np.array(self._high) if self._high else np.empty((0, 0))
        levels = np.array(self._levels)
        return Spectra(
            self._rate, self._frames, self._power / count, self._mono / count, levels, low, high
        )

    def _feed_quiet(self, second: np.ndarray, power: np.ndarray) -> None:
        mix = second.mean(axis=1)
        mix = mix - mix.mean()
        level_db = 10 * np.log10(max(float(mix @ mix) / len(mix), 1e-15))
        # Loud seconds hide what lies under them; which are the quiet ones shows at the end.
        if not -85 < level_db < -20 or len(self._levels) >= _KEPT_QUIET:
            return
        self._levels.append(level_db)
        fine = np.fft.rfft(mix * self._second)[: _HUM_TOP_HZ + 1]
        # A sine of amplitude a stands as a²/4 · (rate/2)²: brought to its power a²/2.
        self._low.append((np.square(np.abs(fine)) * 8 / self._rate**2).astype(np.float32))
        self._high.append(power.astype(np.float32))


def third_octaves(spectra: Spectra) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres in Hz from 25 Hz to under half the rate, power of each, and of each in mono."""
    centres = 1000 * 2 ** (np.arange(-16, 14) / 3)
    centres = centres[centres * 2 ** (1 / 6) < spectra.rate_hz / 2]
    edges = np.append(centres * 2 ** (-1 / 6), centres[-1:] * 2 ** (1 / 6))
    bins = np.searchsorted(spectra.frequencies_hz, edges)
    sums = np.concatenate(([0.0], np.cumsum(spectra.power)))
    sums_mono = np.concatenate(([0.0], np.cumsum(spectra.mono)))
    # Low bands are narrower than a bin: each has at least the one it lies in.
    first, last = bins[:-1], np.maximum(bins[1:], bins[:-1] + 1)
    return centres, sums[last] - sums[first], sums_mono[last] - sums_mono[first]


_EDGE_DROP_DB = 22.0
_EDGE_WIDTH_HZ = 900.0
_LOWEST_EDGE_HZ = 2500.0
_HEARD_DB = -85.0  # under the loudest bin there is nothing to end


def bandwidth_edge_hz(spectra: Spectra) -> float | None:
    """Where the sound ends as if cut: it falls by 22 dB within 900 Hz and stays down up to half
    the rate. None where it fades out by itself, or reaches the top."""
    if spectra.frames == 0 or not spectra.power.any():
        return None
    bin_hz = spectra.rate_hz / FRAME
    width = max(3, round(400 / bin_hz))
    smooth = np.convolve(spectra.power, np.full(width, 1 / width), "same")
    level = 10 * np.log10(smooth + 1e-20) - 10 * np.log10(smooth.max() + 1e-20)
    lag = round(_EDGE_WIDTH_HZ / bin_hz)
    start = round(_LOWEST_EDGE_HZ / bin_hz)
    # The last half kilohertz is every resampler's own slope.
    stop = round((spectra.rate_hz / 2 * 0.955) / bin_hz)
    drops = level[start : stop - lag] - level[start + lag : stop]
    for at in np.argsort(-drops)[:50] + start:
        above = level[at + lag : stop]
        if drops[at - start] < _EDGE_DROP_DB:
            return None
        if level[at] > _HEARD_DB and above.max() <= level[at] - _EDGE_DROP_DB:
            return float((at + lag / 2) * bin_hz)
    return None
