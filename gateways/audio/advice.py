"""What to do next: from the findings, and from figures that a musician had better look at."""

from __future__ import annotations

from gateways.audio.appeal import hook_s
from gateways.audio.defects.stores import STORES, gain_db
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
        if one.deduction > 0 or quality.score is None
    ]
    return [*advice, *_level(features), *_unsure(features), *_hook(sections)]


def _level(features: AudioFeatures) -> list[Recommendation]:
    lufs, peak = features.loudness.value, features.true_peak.value
    if not isinstance(lufs, float) or not isinstance(peak, float):
        return []
    gains = {store.name: gain_db(store, lufs, peak) for store in STORES}
    moved = [f"{name} {gain:+.1f} dB" for name, gain in gains.items() if abs(gain) >= 0.5]
    if not moved:
        return []
    return [
        Recommendation(
            code="store-levels",
            text="This is how stores will change its level: "
            + ", ".join(moved)
            + ". Compare it at those levels with music you like before you master it again.",
            because=f"integrated loudness {lufs:.1f} LUFS, true peak {peak:.1f} dBTP",
        )
    ]


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
