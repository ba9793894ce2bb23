"""A fingerprint that a recording keeps in other formats, levels and rates: 32 bits every 0.2 s.

After Haitsma and Kalker (2002): each bit says whether the step from one band to the next grew or
shrank since a moment before. Runs in the limited child only; `schemas/audio/fingerprint.py`
compares.
"""

from __future__ import annotations

import base64

import numpy as np

from gateways.audio.sound import Sound
from schemas.audio.fingerprint import MOST_WORDS, STEP_S

_RATE_HZ = 22_050
_FRAME = 32_768  # 1.5 s: 0.1 s, half a step, shifts little of it
_BANDS = 33
_FROM_HZ, _TO_HZ = 250.0, 3500.0  # what every codec and phone keeps
_BACK = 4  # steps
_SILENT_DB = -60.0  # under the loudest frame there is nothing to compare: the word is 0
_FRAMES_AT_ONCE = 64


def fingerprint(sound: Sound) -> str | None:
    """base64 of up to 3,000 uint32 words, little-endian; None for what is shorter than 3 s or
    silent."""
    energies = _band_energies(sound.at_22050)
    if len(energies) < round(3 / STEP_S):
        return None
    total = energies.sum(axis=1)
    if total.max() <= 1e-9:
        return None
    levels = np.log(energies + total.max() * 1e-9)
    steps = np.diff(levels, axis=1)
    grew = (steps[_BACK:] > steps[:-_BACK]).astype(np.uint64)
    words = (grew << np.arange(32, dtype=np.uint64)).sum(axis=1).astype("<u4")
    words[total[_BACK:] < total.max() * 10 ** (_SILENT_DB / 10)] = 0
    return base64.b64encode(words[:MOST_WORDS].tobytes()).decode()


def _band_energies(samples: np.ndarray) -> np.ndarray:
    """(frames, 33), float64."""
    hop = round(STEP_S * _RATE_HZ)
    if len(samples) < _FRAME:
        return np.empty((0, _BANDS))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::hop]
    window = np.hanning(_FRAME).astype(np.float32)
    edges_hz = np.geomspace(_FROM_HZ, _TO_HZ, _BANDS + 1)
    edges = np.round(edges_hz * _FRAME / _RATE_HZ).astype(int)
    parts = [
        np.add.reduceat(
            np.square(
                np.abs(np.fft.rfft(frames[at : at + _FRAMES_AT_ONCE] * window)[:, : edges[-1]])
            ),
            edges[:-1],
            axis=1,
        )
        for at in range(0, len(frames), _FRAMES_AT_ONCE)
    ]
    return np.concatenate(parts)
