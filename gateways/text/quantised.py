"""A vector as events carry it: int8 components as base64, compared by cosine."""

from __future__ import annotations

import base64

import numpy as np


def quantised(vector: np.ndarray) -> str:
    """Writes the direction of a vector (n,), the largest component at ±127; zeros stay zeros."""
    largest = float(np.abs(vector).max())
    # Doubles, because the factor for a vector near zero is beyond a float32.
    steps = np.rint(vector.astype(float) * (127 / largest)) if largest else np.zeros_like(vector)
    return base64.b64encode(steps.astype(np.int8).tobytes()).decode()


def direction(data: str) -> np.ndarray:
    """The unit vector float32 (n,) that `quantised` wrote."""
    steps = np.frombuffer(base64.b64decode(data), np.int8).astype(np.float32)
    return steps / max(float(np.linalg.norm(steps)), 1e-12)
