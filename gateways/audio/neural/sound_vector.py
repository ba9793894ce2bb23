"""How a recording sounds as one point: recordings that sound alike lie near, by cosine.

musicnn's 1,506 pooled features, each brought to mean 0 and spread 1 (`weights/sound-axes.npz`, made
by `conversion/axes.py`), then folded into 256 sums with fixed signs, for so many the index of the
search takes (`projections/vault/sounds.sql`). That keeps angles (Johnson and Lindenstrauss) and
learns nothing from any set; the signs come out of SHAKE-256.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from gateways.audio.neural.musicnn import WEIGHTS

MODEL = "musicnn-pooled-256-v1"
DIMENSIONS = 256
_AXES = "sound-axes.npz"


class SoundVector:
    """Loaded once; opens no file afterwards."""

    model = MODEL

    def __init__(self, folder: Path = WEIGHTS) -> None:
        with np.load(folder / _AXES) as axes:
            self._mean, self._spread = axes["mean"], axes["spread"]

    def of(self, pooled: np.ndarray) -> np.ndarray:
        """The unit vector float32 (256,) of pooled features (1506,)."""
        # One feature alone must not decide: rare ones reach 40 spreads.
        features = np.clip((pooled - self._mean) / self._spread, -4, 4)
        return folded(features)


def folded(features: np.ndarray) -> np.ndarray:
    """The unit vector float32 (256,) of any more features (n,)."""
    sums = features @ _signs(len(features))
    return (sums / max(float(np.linalg.norm(sums)), 1e-12)).astype(np.float32)


@cache
def _signs(features: int) -> np.ndarray:
    """(features, 256) of ±1."""
    stream = hashlib.shake_256(MODEL.encode()).digest(features * DIMENSIONS // 8)
    bits = np.unpackbits(np.frombuffer(stream, np.uint8))
    return (2.0 * bits - 1).astype(np.float32).reshape(features, DIMENSIONS)
