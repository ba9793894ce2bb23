"""The key: how well the pitches of the whole sound fit each of the 24 keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.keys import NOTES
from gateways.audio.tonality.pitches import Pitches

# From the tonic. Krumhansl and Kessler (1982); Temperley (2007); Sha'ath (2011) of KeyFinder.
PROFILES = {
    "krumhansl": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "temperley": (
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    ),
    "shaath": (
        (6.6, 2.0, 3.5, 2.3, 4.6, 4.0, 2.5, 5.2, 2.4, 3.7, 2.3, 3.4),
        (6.5, 2.7, 3.5, 5.4, 2.6, 3.5, 2.5, 5.2, 4.0, 2.7, 4.3, 3.2),
    ),
}
KEYS = tuple(f"{note} {mode}" for mode in ("major", "minor") for note in NOTES)
FEATURES = (*PROFILES, "bass tonic", "bass fifth", "last", "minor")
WEIGHTS = np.array([5.0, 4.0, 4.0, 4.0, 0.0, 1.0, 0.0])
_LAST_S = 8.0


@dataclass(frozen=True)
class KeyGuess:
    key: str
    share: float  # of belief, 0..1; all 24 together 1


def ranked_keys(heard: Pitches) -> list[KeyGuess]:
    """All 24, the surest first; empty where no pitch stands out."""
    if float(heard.strengths.sum()) <= 0:
        return []
    scores = features(heard) @ WEIGHTS
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return [KeyGuess(KEYS[at], float(shares[at])) for at in np.argsort(-shares)]


def features(heard: Pitches) -> np.ndarray:
    """(24, FEATURES) in the order of KEYS."""
    chroma, bass = _mean(heard.chroma), _mean(heard.bass)
    last = _mean(heard.chroma[-round(_LAST_S * 10.77) :])
    columns = [_fit(chroma, profile) for profile in PROFILES.values()]
    tonic = np.tile(bass, 2)
    columns += [tonic, np.tile(np.roll(bass, -7), 2), _fit(last, PROFILES["krumhansl"])]
    columns.append(np.repeat((0.0, 1.0), 12))
    return np.stack(columns, axis=1)


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
