"""The key: how well the pitches of the whole sound fit each of the 24 keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.keys import NOTES
from gateways.audio.tonality.pitches import Pitches

# Profiles start at the tonic. Those of Albrecht and Shanahan (2013) and Temperley (2007) come from
# notes in scores, which spectral peaks resemble; Krumhansl's come from listeners and scored .65 on
# the public set.
PROFILES = (
    (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
    (
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    ),
)
KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)
# Brings a sum of two correlations to log odds, so that confidences hold true on 90 tracks.
_SHARPNESS = 8.0


@dataclass(frozen=True)
class KeyGuess:
    key: str
    share: float  # of belief, 0..1; all 24 together 1


def ranked_keys(heard: Pitches) -> list[KeyGuess]:
    """All 24, the surest first; empty where no pitch stands out."""
    if float(heard.strengths.sum()) <= 0:
        return []
    chroma = _mean(heard.chroma)
    scores = _SHARPNESS * np.sum([_fit(chroma, profile) for profile in PROFILES], axis=0)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return [KeyGuess(KEYS[at], float(shares[at])) for at in np.argsort(-shares)]


def _mean(chroma: np.ndarray) -> np.ndarray:
    """The mean over frames, the square root of each frame's level as its weight; sums to 1."""
    level = chroma.sum(axis=1, keepdims=True)
    mean = np.asarray((chroma / np.sqrt(np.maximum(level, 1e-9))).sum(axis=0), dtype=np.float64)
    total = float(mean.sum())
    return mean / total if total > 0 else np.full(12, 1 / 12)


def _fit(chroma: np.ndarray, profile: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """The correlation with all 24 turns of a profile (24,)."""
    turned = np.array([np.roll(mode, shift) for mode in profile for shift in range(12)])
    turned = turned - turned.mean(axis=1, keepdims=True)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    centred = chroma - chroma.mean()
    return np.asarray(turned @ (centred / (np.linalg.norm(centred) + 1e-9)))
