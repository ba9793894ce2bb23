"""The appeal heuristic: a weighed sum that anybody can check. It predicts nothing."""

from __future__ import annotations

from itertools import groupby

from schemas.report import (
    AppealFactor,
    AudioFeatures,
    Figure,
    Quality,
    Sections,
    Virality,
)

METHOD = "appeal heuristic v1: sum of weight x value"
NOTE = (
    "A rule of thumb about features that much-played music often has. It is no prediction: nobody "
    "can compute success, and no data behind it says otherwise."
)
CONFIDENCE = 0.1
_UNSURE_POINTS = 10.0
_BEST_LUFS, _LUFS_TOLERANCE, _LUFS_FALL = -12.0, 3.0, 8.0
_HOOK_BY_S, _HOOK_LATEST_S = 30.0, 120.0


def appeal(features: AudioFeatures, sections: Sections, quality: Quality) -> Virality:
    """Factors that could not be measured count as anything from 0 to 1 in the range, and the score
    is of the others. No score where less than half of the weight is known."""
    loudness = _number(features.loudness)
    values = (
        ("danceability", 20.0, _number(features.danceability), "easy to move to"),
        ("energy", 15.0, _number(features.energy), "loud, busy and bright"),
        ("loudness", 15.0, _fits(loudness), "near the level of other releases (-15 to -9 LUFS)"),
        ("hook", 15.0, _hook(sections), "the part that returns most comes within 30 s"),
        ("vocals", 15.0, _number(features.vocals), "share of the time with singing"),
        ("quality", 20.0, _share(quality.score), "free of technical defects"),
    )
    factors = [
        AppealFactor(
            name=name,
            value=value,
            weight=weight,
            contribution=round(weight * (value or 0.0), 1),
            why=why,
        )
        for name, weight, value, why in values
    ]
    known = sum(factor.weight for factor in factors if factor.value is not None)
    points = sum(factor.contribution for factor in factors)
    sure = known >= 50 and quality.score is not None
    return Virality(
        score=round(100 * points / known, 1) if sure else None,
        low=round(max(0.0, points - _UNSURE_POINTS), 1) if sure else None,
        high=round(min(100.0, points + 100 - known + _UNSURE_POINTS), 1) if sure else None,
        method=METHOD,
        confidence=CONFIDENCE,
        note=NOTE,
        factors=factors,
    )


def hook_s(sections: Sections) -> float | None:
    """When the part that returns most is heard for the first time; None where none returns after
    another one."""
    starts: dict[str, list[float]] = {}
    for label, spans in groupby(sections.spans, key=lambda span: span.label):
        starts.setdefault(label, []).append(next(spans).start_s)
    most = max(starts.values(), key=len, default=[])
    return most[0] if len(most) > 1 else None


def _hook(sections: Sections) -> float | None:
    at_s = hook_s(sections)
    if at_s is None:
        return None
    return _clipped(1 - (at_s - _HOOK_BY_S) / (_HOOK_LATEST_S - _HOOK_BY_S))


def _fits(lufs: float | None) -> float | None:
    if lufs is None:
        return None
    return _clipped(1 - (abs(lufs - _BEST_LUFS) - _LUFS_TOLERANCE) / _LUFS_FALL)


def _share(score: float | None) -> float | None:
    return None if score is None else _clipped(score / 100)


def _number(figure: Figure) -> float | None:
    return figure.value if isinstance(figure.value, float) else None


def _clipped(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)
