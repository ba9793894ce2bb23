"""What to do next: from the findings, and from figures that a musician had better look at."""

from __future__ import annotations

from gateways.audio.appeal import hook_s
from gateways.audio.defects.levels import STORE_LEVELS
from schemas.report import AudioFeatures, Quality, Recommendation, Sections

_UNSURE = 0.5
_LATE_HOOK_S = 60.0


def recommendations(
    features: AudioFeatures, quality: Quality, sections: Sections
) -> list[Recommendation]:
    """The dearest finding first."""
    advice = [
        Recommendation(code=one.code, text=one.fix, because=one.title)
        for one in quality.feedback
        if one.deduction > 0 or one.code == STORE_LEVELS or quality.score is None
    ]
    return [*advice, *_unsure(features), *_hook(sections)]


def _unsure(features: AudioFeatures) -> list[Recommendation]:
    advice = []
    tempo, key = features.tempo, features.key
    if tempo.value is not None and (tempo.confidence or 0) < _UNSURE:
        others = [f"{one.bpm:g}" for one in tempo.candidates[1:3]]
        advice.append(
            Recommendation(
                code="check-tempo",
                text=f"Tap along and set the tempo if it is {' or '.join(others)} instead.",
                because=f"{tempo.value} bpm is only {tempo.confidence or 0:.0%} sure",
            )
        )
    if key.value is not None and (key.confidence or 0) < _UNSURE:
        others = [one.key for one in key.candidates[1:3]]
        advice.append(
            Recommendation(
                code="check-key",
                text=f"Play along and set the key if it is {' or '.join(others)} instead.",
                because=f"{key.value} is only {key.confidence or 0:.0%} sure",
            )
        )
    return advice


def _hook(sections: Sections) -> list[Recommendation]:
    at_s = hook_s(sections)
    if at_s is None or at_s <= _LATE_HOOK_S:
        return []
    return [
        Recommendation(
            code="late-hook",
            text="For a version that is made for short attention, let the returning part come "
            "sooner.",
            because=f"the part that returns most is first heard after {at_s:.0f} s",
        )
    ]
