"""A library's opinion on the tempo: one to weigh, not an answer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import sonara

from gateways.audio.sound import Sound

# "auto" asks sonara (MIT, 0.2 s); "essentia" (AGPL-3.0, 2.3 s) was right on 2 of 143 tracks more.
AnalyserChoice = Literal["auto", "essentia"]
Adviser = Literal["sonara", "essentia"]
NO_ESSENTIA = "essentia is not installed here: the tempo's octave was asked of sonara instead"


def adviser_for(choice: AnalyserChoice) -> tuple[Adviser, tuple[str, ...]]:
    """Whom to ask, and a sentence if it is not who was wanted."""
    if choice != "essentia":
        return "sonara", ()
    if importlib.util.find_spec("essentia") is None:
        return "sonara", (NO_ESSENTIA,)
    return "essentia", ()


def advised_bpm(sound: Sound, adviser: Adviser) -> float:
    if adviser == "essentia":
        return _multifeature()(sound)
    return float(sonara.analyze_signal(sound.at_22050, sr=22_050, mode="compact")["bpm"])


@cache
def _multifeature() -> Callable[[Sound], float]:
    """AGPL-3.0, so imported here only, and only where it is asked for."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False  # 2,000 lines in one loop else
    from essentia.standard import RhythmExtractor2013

    extractor: Any = RhythmExtractor2013(method="multifeature")
    return lambda sound: float(extractor(sound.mono)[0])
