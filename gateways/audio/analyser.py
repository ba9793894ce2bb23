"""The interface behind which tempo and key are measured, and what both analysers share."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Protocol

import numpy as np

SAMPLE_RATE_HZ = 44_100  # essentia's RhythmExtractor2013 is right only at this rate


@dataclass(frozen=True)
class TempoAndKey:
    """`tempo_bpm` and `key` are None where the sound has none; confidences are 0..1."""

    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    key: str | None = None
    key_confidence: float | None = None


class Analyser(Protocol):
    """One way to measure tempo and key; `version` goes up when its answers change."""

    name: str
    version: int

    def analyse(self, mono: np.ndarray) -> TempoAndKey:
        """Of float32 samples (n,) at 44.1 kHz, n of at least one second."""


NO_ESSENTIA = "essentia is not installed here: tempo and key come from librosa, which errs more"


def make_analyser(choice: str = "auto") -> tuple[Analyser, tuple[str, ...]]:
    """The analyser and what is degraded by it. `choice`: "auto", "essentia" or "librosa"."""
    if choice == "auto" and importlib.util.find_spec("essentia") is None:
        return make_analyser("librosa")[0], (NO_ESSENTIA,)
    if choice == "librosa":
        from gateways.audio.librosa_analyser import LibrosaAnalyser

        return LibrosaAnalyser(), ()
    if choice not in ("auto", "essentia"):
        raise ValueError(f"there is no analyser {choice!r}")
    from gateways.audio.essentia_analyser import EssentiaAnalyser

    return EssentiaAnalyser(), ()


MIN_BEATS = 8


def steady_tempo_bpm(beats_s: np.ndarray, rough_bpm: float) -> float | None:
    """The tempo of beat times (n,) in seconds, near a rough one, finer than one frame's step.

    A line through the beats: of all the gaps, those within 8 % of the rough beat are counted as
    one, and the longest run without a slip is fitted. None below 8 beats.
    """
    if len(beats_s) < MIN_BEATS or rough_bpm <= 0:
        return None
    regular = np.abs(np.diff(beats_s) * rough_bpm / 60 - 1) < 0.08
    edges = np.flatnonzero(np.diff(np.concatenate(([0], regular, [0]))))
    runs = edges.reshape(-1, 2)
    if len(runs) == 0:
        return None
    first, last = max(runs, key=lambda run: run[1] - run[0])
    if last - first + 1 < MIN_BEATS:
        return None
    beat_s = np.polyfit(np.arange(last - first + 1), beats_s[first : last + 1], 1)[0]
    return float(60 / beat_s)
