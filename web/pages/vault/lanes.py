"""Lanes drawn along a track's time axis, written as small as can be (a beat is six bytes)."""

from __future__ import annotations

from typing import Any

from schemas.audio.report import Curve, Report

MAX_LANES = 8


def lanes_of(report: Report) -> dict[str, Any]:
    """Times in seconds, shares in hundredths; spans as [start, end, …]."""
    return {
        "duration": round(report.duration_s, 3),
        "beats": [round(at, 2) for at in report.beats.times_s],
        "downbeats": report.beats.downbeats,
        "sections": [
            [round(s.start_s, 2), round(s.end_s, 2), s.label, s.role, _share(s.confidence)]
            for s in report.sections.spans
        ],
        "chords": [
            [round(c.start_s, 2), round(c.end_s, 2), c.name, _share(c.confidence)]
            for c in report.chords.spans
        ],
        "instruments": {
            "step": report.instruments.timeline.step_s,
            "lanes": [
                [lane.name, [_share(value) for value in lane.values]]
                for lane in report.instruments.timeline.lanes[:MAX_LANES]
            ],
        },
        "loudness": _curve(report.curves.loudness, 1),
        "voice": _curve(report.curves.voice, 100),
        "talk": _curve(report.curves.talk, 100),
        "defects": [
            [round(span.start_s, 2), round(span.end_s, 2), finding.severity, finding.title]
            for finding in report.quality.feedback
            for span in finding.spans
        ],
    }


def _curve(curve: Curve | None, scale: float) -> dict[str, Any] | None:
    if curve is None:
        return None
    digits = 1 if scale == 1 else None
    values = [None if v is None else round(v * scale, digits) for v in curve.values]
    return {"step": curve.step_s, "values": values}


def _share(value: float) -> int:
    return round(value * 100)
