"""The appeal heuristic: a sum that anybody can check, less what is damaged. It predicts nothing.

Loudness and energy are no factors: clipping raises both, and stores level the one. Nor is where a
part returns: damage makes parts look alike. What is left moves little under a defect, and whatever
was found takes a share of the whole, so a damaged master never gains.
"""

from __future__ import annotations

from schemas.audio.report import AppealFactor, AudioFeatures, Figure, Quality, Virality

METHOD = "appeal heuristic v2: sum of weight x value, times the share that is undamaged"
NOTE = (
    "A rule of thumb about features that much-played music often has. It is no prediction: "
    "success cannot be computed."
)
CONFIDENCE = 0.1
# Figures of a rule of thumb are no finer: hiss of -40 dBFS moves danceability by .004.
STEP = 0.05
# A level is a choice and no damage; turning it up until it clips must not pay off.
LEVEL_IS_A_CHOICE = ("too-quiet", "too-loud")
_UNSURE_POINTS = 10.0
_LEAST_KNOWN = 50.0


def appeal(features: AudioFeatures, quality: Quality) -> Virality:
    """A factor that could not be measured counts as anything from 0 to 1 in the range, and the
    score is of the others. No score where less than half of the weight is known.
    """
    values = (
        ("danceability", 60.0, _in_steps(features.danceability), "easy to move to"),
        ("vocals", 40.0, _in_steps(features.vocals), "share of the time with singing"),
    )
    known = sum(weight for _, weight, value, _ in values if value is not None)
    sure = known >= _LEAST_KNOWN and quality.score is not None
    scale = 100 / known if sure else 1.0
    factors = [
        AppealFactor(
            name=name,
            value=value,
            weight=weight,
            contribution=round(scale * weight * (value or 0.0), 1),
            why=why,
        )
        for name, weight, value, why in values
    ]
    whole, sound = _undamaged(quality), sum(factor.contribution for factor in factors)
    factors.append(
        AppealFactor(
            name="undamaged",
            value=whole,
            weight=0.0,
            contribution=round(sound * (whole - 1), 1),
            why="what the findings leave of the whole, whatever its level",
        )
    )
    points = sound / scale
    return Virality(
        score=round(whole * sound, 1) if sure else None,
        low=round(max(0.0, whole * points - _UNSURE_POINTS), 1) if sure else None,
        high=round(min(100.0, whole * (points + 100 - known) + _UNSURE_POINTS), 1)
        if sure
        else None,
        method=METHOD,
        confidence=CONFIDENCE,
        note=NOTE,
        factors=factors,
    )


def _undamaged(quality: Quality) -> float:
    lost = sum(one.deduction for one in quality.feedback if one.code not in LEVEL_IS_A_CHOICE)
    return round(min(1.0, max(0.0, 1 - lost / 100)), 3)


def _in_steps(figure: Figure) -> float | None:
    if not isinstance(figure.value, float):
        return None
    return round(min(1.0, max(0.0, round(figure.value / STEP) * STEP)), 2)
