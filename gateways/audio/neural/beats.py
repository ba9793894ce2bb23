"""BeatNet (CC BY 4.0): how likely a beat falls on each 20 ms, as heard by a network that learned
it from music tapped by people. It knows slow from fast where attacks alone do not.

M. Heydari, F. Cwitkowitz, Z. Duan, "BeatNet" (arXiv:2108.03576); the second of their three nets.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy.fft import rfft

from gateways.audio.neural.musicnn import WEIGHTS, open_session
from gateways.audio.sound import Sound
from schemas.audio.report import UsedModel

MODEL = UsedModel(
    id="beatnet-2",
    weights_sha256="b8de4be5186fa7abef12e2871c6c2d8701935d6226613cad842ffe0c967b9e8e",
    licence="CC-BY-4.0",
)
_RATE_HZ = 22_050
_HOP = 441
FRAME_RATE_HZ = _RATE_HZ / _HOP
_WINDOW = 1411
_BINS = _WINDOW // 2
_BANDS_AN_OCTAVE = 24
_LOWEST_HZ, _HIGHEST_HZ, _TUNING_HZ = 30.0, 17_000.0, 440.0
# A minute at a time: a recording of hours takes no more memory; the network hears it afresh.
_FRAMES_AT_ONCE = 3000


class BeatNetwork:
    """Loaded once; opens no file afterwards. Raises BrokenWeights."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._session = open_session(folder / f"{MODEL.id}.onnx", MODEL.weights_sha256)

    def beats(self, sound: Sound) -> np.ndarray:
        """Probabilities float32 (frames,), FRAME_RATE_HZ a second."""
        samples = sound.at_22050
        count = -(-len(samples) // _HOP)
        padded = np.pad(samples, (_WINDOW // 2, _WINDOW + _HOP))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
        parts = [
            self._session.run(["beats"], {"spectra": _spectra(frames[at : at + _FRAMES_AT_ONCE])})
            for at in range(0, count, _FRAMES_AT_ONCE)
        ]
        return np.concatenate([part for (part,) in parts])


def _spectra(frames: np.ndarray) -> np.ndarray:
    """(frames, 272): log levels of 136 bands, and how much each rose since the frame before."""
    bins = np.abs(rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1)[:, :_BINS])
    levels = np.log10(1 + bins @ _bands())
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0)
    return np.hstack((levels, rises)).astype(np.float32)


@cache
def _bands() -> np.ndarray:
    """Triangles of equal area on every bin that is nearest to a quarter tone, (705, 136)."""
    bins_hz = np.arange(_BINS) * _RATE_HZ / _WINDOW
    lowest, highest = (
        _BANDS_AN_OCTAVE * np.log2(edge / _TUNING_HZ) for edge in (_LOWEST_HZ, _HIGHEST_HZ)
    )
    tones_hz = _TUNING_HZ * 2 ** (
        np.arange(np.ceil(lowest), np.floor(highest) + 1) / _BANDS_AN_OCTAVE
    )
    nearest = np.unique(np.abs(bins_hz[1:, None] - tones_hz).argmin(axis=0) + 1)
    bands = np.zeros((_BINS, len(nearest) - 2), np.float32)
    for band in range(len(nearest) - 2):
        start, centre, stop = (int(at) for at in nearest[band : band + 3])
        if stop - start < 2:
            centre, stop = start, start + 1
        bands[start:centre, band] = np.linspace(0, 1, centre - start, endpoint=False)
        bands[centre:stop, band] = np.linspace(1, 0, stop - centre, endpoint=False)
    return np.asarray(bands / bands.sum(axis=0))
