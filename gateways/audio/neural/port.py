"""The answers that a model must give to take the place of the bundled networks.

Adapters (`onnx_models.py`) load from a local folder, never from the network. Samples are float32
mono at the model's own `sample_rate_hz`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from schemas.audio.report import UsedModel


@dataclass(frozen=True)
class Scores:
    """`means` float32 (labels,): of the whole recording. `timeline` (steps, labels), a step every
    `step_s` seconds."""

    labels: tuple[str, ...]
    means: np.ndarray
    timeline: np.ndarray
    step_s: float


class GenreModel(Protocol):
    """`means` are probabilities that sum to 1."""

    used: UsedModel
    sample_rate_hz: int

    def genres(self, samples: np.ndarray) -> Scores: ...


class InstrumentModel(Protocol):
    """Every score is a probability of its own."""

    used: UsedModel
    sample_rate_hz: int

    def instruments(self, samples: np.ndarray) -> Scores: ...


class QualityModel(Protocol):
    """A learned opinion, from 1 to 10 on each of the model's axes."""

    used: UsedModel
    sample_rate_hz: int

    def qualities(self, samples: np.ndarray) -> Scores: ...


class AudioEmbedder(Protocol):
    used: UsedModel
    sample_rate_hz: int

    def embed(self, samples: np.ndarray) -> np.ndarray:
        """The unit vector float32 (256,) of the recording."""
        ...
