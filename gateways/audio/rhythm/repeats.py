"""How strongly the attacks repeat at each distance in time."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import find_peaks

from gateways.audio.rhythm.onsets import FRAME_RATE_HZ

_WINDOW_S = 12.0
_LONGEST_S = 6.0
SLOWEST_BPM, FASTEST_BPM = 40.0, 240.0


class Repeats:
    """The autocorrelation of a curve of attacks, the mean of windows of 12 s: a tempo that drifts
    blurs less than over the whole."""

    def __init__(self, curve: np.ndarray) -> None:
        size = min(len(curve), round(_WINDOW_S * FRAME_RATE_HZ))
        lags = min(size - 1, round(_LONGEST_S * FRAME_RATE_HZ))
        step = max(1, size // 2)
        padded = next_fast_len(2 * size, real=True)
        total = np.zeros(lags + 1)
        for start in range(0, max(1, len(curve) - size + 1), step):
            part = curve[start : start + size]
            power = np.abs(rfft(part - part.mean(), padded)) ** 2
            total += irfft(power, padded)[: lags + 1]
        fair = total / np.maximum(1 - np.arange(lags + 1) / max(size, 1), 0.3)
        self._at_lag = fair / fair[0] if lags > 0 and fair[0] > 0 else np.zeros(lags + 1)

    def at(self, period_s: float) -> float:
        """-1..1 at a distance in seconds; 0 beyond six seconds."""
        lag = period_s * FRAME_RATE_HZ
        if lag < 1 or lag > len(self._at_lag) - 2:
            return 0.0
        near = np.arange(max(1, int(lag * 0.985)), int(lag * 1.015) + 2)
        values = self._at_lag[near[near < len(self._at_lag)]]
        exact = np.interp(lag, np.arange(len(self._at_lag)), self._at_lag)
        return float(max(exact, values.max() if len(values) else 0.0))

    def comb(self, bpm: float, teeth: int = 4) -> float:
        """The mean over the first multiples of a beat."""
        return float(np.mean([self.at(60 / bpm * tooth) for tooth in range(1, teeth + 1)]))

    def peaks_bpm(self, most: int = 6) -> list[float]:
        """The tempos at which attacks repeat most strongly, the strongest first."""
        peaks, _ = find_peaks(self._at_lag)
        bpm = 60 * FRAME_RATE_HZ / np.maximum(peaks, 1)
        peaks = peaks[(bpm >= SLOWEST_BPM) & (bpm <= FASTEST_BPM)]
        strongest = peaks[np.argsort(-self._at_lag[peaks])][:most]
        return [self._refined_bpm(int(peak)) for peak in strongest]

    def _refined_bpm(self, peak: int) -> float:
        left, top, right = self._at_lag[peak - 1 : peak + 2]
        bend = left - 2 * top + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        return float(60 * FRAME_RATE_HZ / (peak + shift))
