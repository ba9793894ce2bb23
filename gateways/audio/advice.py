"""Says what to do next: the steps of work that the findings ask for, in their order, each once;
then figures that a musician had better look at. The findings themselves say what was found and how
to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from gateways.audio.defects.levels import STORE_LEVELS
from schemas.audio.report import AudioFeatures, Finding, Quality, Recommendation, Sections

_UNSURE = 0.5
_LATE_HOOK_S = 60.0


@dataclass(frozen=True)
class _Step:
    """One piece of work, and the codes of the findings that it settles."""

    text: str
    codes: tuple[str, ...]


# The order of work: each step comes before those that it would make necessary again.
_STEPS = (
    _Step("Get the undamaged file and start from that.", ("truncated", "damaged", "silent")),
    _Step("Go back to the recorded tracks and clean them.", ("noise", "hum", "click", "dropout")),
    _Step(
        "Open the mix and put left, right and the bass in order.",
        ("phase", "one-sided", "imbalance", "mono-bass", "dc-offset"),
    ),
    _Step(
        "Master it again with more room at the top.",
        ("clipping", "true-peak", "squashed", "too-loud", "too-quiet"),
    ),
    _Step(
        "Bounce it once more from the project, from before its first note to after its last.",
        (
            *("cut-end", "silence-start", "silence-inside", "silence-end"),
            *("bandwidth", "upsampled", "sample-rate"),
        ),
    ),
    _Step("Play it next to a release you like, both equally loud.", (STORE_LEVELS,)),
)
_LAST_STEP = _Step("Go through what is left of the list.", ())


def recommendations(
    features: AudioFeatures, quality: Quality, sections: Sections
) -> list[Recommendation]:
    """One for each step of work that a finding asks for."""
    asking = [
        one
        for one in quality.feedback
        if one.deduction > 0 or one.code == STORE_LEVELS or quality.score is None
    ]
    steps = [*_STEPS, _LAST_STEP]
    asking.sort(key=lambda one: steps.index(_step_of(one)))
    work = [_recommendation(step, list(found)) for step, found in groupby(asking, key=_step_of)]
    return [*work, *_unsure(features), *_hook(sections)]


def _step_of(found: Finding) -> _Step:
    return next((step for step in _STEPS if found.code in step.codes), _LAST_STEP)


def _recommendation(step: _Step, found: Sequence[Finding]) -> Recommendation:
    points = sum(one.deduction for one in found)
    findings = "1 finding" if len(found) == 1 else f"{len(found)} findings"
    settles = f"settles {findings}"
    return Recommendation(
        code=max(found, key=lambda one: one.deduction).code,
        text=step.text,
        because=f"{settles}, {points:g} points" if points else settles,
    )


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


def hook_s(sections: Sections) -> float | None:
    """When the part that returns most is heard for the first time; None where none returns after
    another one."""
    starts: dict[str, list[float]] = {}
    for label, spans in groupby(sections.spans, key=lambda span: span.label):
        starts.setdefault(label, []).append(next(spans).start_s)
    most = max(starts.values(), key=len, default=[])
    return most[0] if len(most) > 1 else None
