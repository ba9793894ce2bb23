"""The spectrum's own figures, whatever the analyser: onsets, brightness, pulse, energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

FRAME = 1024
HOP = 512
_FRAMES_AT_ONCE = 2048  # 4 MB of spectra


@dataclass(frozen=True)
class Texture:
    """`onsets`: strength of attack per frame, `frame_rate_hz` frames a second; shapes (frames,)."""

    onsets: np.ndarray
    frame_rate_hz: float
    onset_rate_hz: float
    brightness_hz: float

    def pulse(self, bpm: float) -> float:
        """How strongly the attacks repeat at this tempo: autocorrelation at one beat, 0..1."""
        lag = 60 / bpm * self.frame_rate_hz
        at = max((self._repeat(round(lag) + shift) for shift in (-1, 0, 1)), default=0.0)
        return min(1.0, max(0.0, at))

    def _repeat(self, lag: int) -> float:
        centred = self.onsets - self.onsets.mean() if len(self.onsets) else self.onsets
        if lag < 1 or lag >= len(centred) // 2:
            return 0.0
        power = float(np.dot(centred, centred))
        if power == 0:
            return 0.0
        overlap = len(centred) / (len(centred) - lag)
        return float(np.dot(centred[lag:], centred[:-lag])) / power * overlap


def texture(mono: np.ndarray, sample_rate_hz: int) -> Texture:
    """Spectral flux of log magnitudes and mean spectral centroid of float32 samples (n,)."""
    frame_rate_hz = sample_rate_hz / HOP
    if len(mono) < 2 * FRAME:
        return Texture(np.empty(0), frame_rate_hz, 0.0, 0.0)
    frames = np.lib.stride_tricks.sliding_window_view(mono, FRAME)[::HOP]
    window = np.hanning(FRAME).astype(np.float32)
    frequencies = np.fft.rfftfreq(FRAME, 1 / sample_rate_hz).astype(np.float32)
    flux, weight, weighted = [], 0.0, 0.0
    before = np.zeros(len(frequencies), dtype=np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        spectra = np.abs(np.fft.rfft(frames[start : start + _FRAMES_AT_ONCE] * window))
        bins = spectra.sum(axis=0, dtype=np.float64)
        weight += float(bins.sum())
        weighted += float(bins @ frequencies)
        levels = np.log1p(spectra)
        rises = np.diff(np.vstack((before, levels)), axis=0)
        flux.append(np.maximum(rises, 0).mean(axis=1))
        before = levels[-1]
    onsets = np.concatenate(flux)
    count = len(_onset_peaks(onsets, frame_rate_hz))
    rate_hz = count / (len(mono) / sample_rate_hz)
    return Texture(onsets, frame_rate_hz, rate_hz, weighted / weight if weight else 0.0)


def _onset_peaks(onsets: np.ndarray, frame_rate_hz: float) -> np.ndarray:
    around = uniform_filter1d(onsets, size=round(0.5 * frame_rate_hz))
    above = onsets - 1.3 * around
    return find_peaks(above, height=0.02, distance=round(0.05 * frame_rate_hz))[0]


def energy(loudness_lufs: float, spectrum: Texture) -> float:
    """0..1 = 0.5 loudness (-30..-6 LUFS) + 0.3 attacks (0..8 a second) + 0.2 brightness
    (centroid 500..5,000 Hz on a log scale), each clipped to 0..1. A description, not a model."""
    loud = (loudness_lufs + 30) / 24
    busy = spectrum.onset_rate_hz / 8
    bright = np.log(max(spectrum.brightness_hz, 1.0) / 500) / np.log(10)
    parts = np.clip([loud, busy, bright], 0, 1)
    return float(np.dot(parts, (0.5, 0.3, 0.2)))
