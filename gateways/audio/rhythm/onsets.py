"""How strongly sound begins at each moment: the raw material of tempo, beats and bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import rfft
from scipy.ndimage import uniform_filter1d

from gateways.audio.sound import Sound

RATE_HZ = 22_050
FRAME = 1024
HOP = 256  # 11.6 ms
FRAME_RATE_HZ = RATE_HZ / HOP
_BANDS = 36
_LOWEST_HZ, _HIGHEST_HZ = 40.0, 10_000.0
_LOW_HZ, _HIGH_HZ = 160.0, 3_000.0  # kick and bass under, hats and snares over
_FRAMES_AT_ONCE = 4096


@dataclass(frozen=True)
class Onsets:
    """Strengths per frame (frames,), FRAME_RATE_HZ a second: of all bands, the low, the high."""

    every: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @cached_property
    def even(self) -> np.ndarray:
        """`every` less its surroundings of half a second, in deviations: loud bars weigh less."""
        return evened(self.every)


def onsets(sound: Sound) -> Onsets:
    """Measures the attacks of a sound of at least one frame. Frames are centred, so frame n is the
    moment n / FRAME_RATE_HZ."""
    samples = np.pad(sound.at_22050, (FRAME // 2, FRAME // 2))
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    rises = np.empty((len(frames), _BANDS), np.float32)
    before = np.zeros((1, _BANDS), np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        spectra = np.abs(rfft(frames[start : start + _FRAMES_AT_ONCE] * _WINDOW, axis=1))
        levels = np.log1p(10 * (spectra @ _FILTERS))
        both = np.concatenate((before, levels))
        rises[start : start + len(levels)] = np.maximum(np.diff(both, axis=0), 0)
        before = levels[-1:]
    rises[0] = 0
    low, high = _CENTRES_HZ < _LOW_HZ, _CENTRES_HZ > _HIGH_HZ
    return Onsets(rises.mean(axis=1), rises[:, low].mean(axis=1), rises[:, high].mean(axis=1))


def evened(strengths: np.ndarray) -> np.ndarray:
    """Less their surroundings of half a second, against the level of the eight seconds around."""
    around = uniform_filter1d(strengths, size=round(0.5 * FRAME_RATE_HZ))
    above = np.maximum(strengths - around, 0)
    scale = np.sqrt(uniform_filter1d(above**2, size=round(8 * FRAME_RATE_HZ)))
    return above / (scale + 0.1 * float(np.sqrt(np.mean(above**2))) + 1e-9)


def _filters() -> tuple[np.ndarray, np.ndarray]:
    """Triangles on a log axis (bins, bands) and their centres in Hz."""
    edges = np.geomspace(_LOWEST_HZ, _HIGHEST_HZ, _BANDS + 2)
    bins = np.fft.rfftfreq(FRAME, 1 / RATE_HZ)[:, None]
    # The lowest bands are narrower than a bin: each gets at least its nearest bins.
    width = RATE_HZ / FRAME
    rise = (bins - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], width)
    fall = (edges[2:] - bins) / np.maximum(edges[2:] - edges[1:-1], width)
    return np.clip(np.minimum(rise, fall), 0, None).astype(np.float32), edges[1:-1]


_WINDOW = np.hanning(FRAME).astype(np.float32)
_FILTERS, _CENTRES_HZ = _filters()
