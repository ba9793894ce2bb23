"""What the libraries hold for the tempo: opinions to weigh, none of them an answer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sonara

from gateways.audio.rhythm.repeats import FASTEST_BPM, SLOWEST_BPM
from gateways.audio.sound import Sound

AnalyserChoice = Literal["auto", "essentia", "librosa"]
NO_ESSENTIA = "essentia is not installed here: the tempo is weighed without it, and errs more"


@dataclass(frozen=True)
class Opinion:
    bpm: float
    by: str


def opinions(sound: Sound, choice: AnalyserChoice) -> tuple[list[Opinion], tuple[str, ...]]:
    """Of all libraries that are here and wanted, and a sentence for one that is missing."""
    heard = [Opinion(bpm, "sonara") for bpm in _by_sonara(sound)]
    if choice == "librosa":
        return heard, ()
    if not has_essentia():
        return heard, (NO_ESSENTIA,)
    for name, estimate in _essentia().items():
        heard.append(Opinion(estimate(sound), name))
    return [one for one in heard if SLOWEST_BPM / 2 <= one.bpm <= FASTEST_BPM * 2], ()


@cache
def has_essentia() -> bool:
    return importlib.util.find_spec("essentia") is not None


def _by_sonara(sound: Sound) -> list[float]:
    found = sonara.analyze_signal(sound.at_22050, sr=22_050, mode="compact")
    return [float(found["bpm"])]


@cache
def _essentia() -> dict[str, Callable[[Sound], float]]:
    """AGPL-3.0, so imported here only, and left out where unwanted."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False  # 2,000 lines in one loop else
    from essentia.standard import PercivalBpmEstimator, RhythmExtractor2013

    multifeature: Any = RhythmExtractor2013(method="multifeature")
    return {
        # A second sound of one estimator is answered with the first one's tempo.
        "percival": lambda sound: float(PercivalBpmEstimator(maxBPM=210, minBPM=50)(sound.mono)),
        "multifeature": lambda sound: float(multifeature(sound.mono)[0]),
    }
