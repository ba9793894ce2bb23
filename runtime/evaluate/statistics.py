"""How sure a share or a mean of few tracks is, and whether confidences keep their word."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np

_Z95 = 1.959964
_RESAMPLES = 2000
_BINS = 5


def wilson(right: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); 0..1 for no tracks at all."""
    if total == 0:
        return 0.0, 1.0
    share, z2 = right / total, _Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 / (1 + z2 / total) * sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(values: list[float], seed: int = 1) -> tuple[float, float]:
    """The 95 % interval of a mean, by drawing the tracks again 2,000 times."""
    if not values:
        return 0.0, 0.0
    drawn = np.random.default_rng(seed).choice(values, (_RESAMPLES, len(values)))
    low, high = np.percentile(drawn.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    n: int
    mean_confidence: float
    share_right: float


@dataclass(frozen=True)
class Calibration:
    """`expected_error`: the mean distance of confidence and share right, weighed by n (ECE)."""

    n: int
    expected_error: float
    bins: list[Bin]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def calibration(confidences: list[float], right: list[bool]) -> Calibration | None:
    """A reliability table of five bins, or None for no tracks."""
    if not confidences:
        return None
    sure, hit = np.array(confidences), np.array(right, dtype=float)
    at = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    bins = [
        Bin(
            low=number / _BINS,
            high=(number + 1) / _BINS,
            n=int((at == number).sum()),
            mean_confidence=round(float(sure[at == number].mean()), 4),
            share_right=round(float(hit[at == number].mean()), 4),
        )
        for number in range(_BINS)
        if (at == number).any()
    ]
    error = sum(one.n * abs(one.mean_confidence - one.share_right) for one in bins) / len(sure)
    return Calibration(len(sure), round(float(error), 4), bins)
