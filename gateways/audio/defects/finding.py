"""How a rule writes down what it found."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from schemas.audio.report import Finding, Severity, Span

MOST_SPANS = 200
_HYPHEN_BEFORE_A_NUMBER = re.compile(r"(?<!\w)-(?=\d)")


def finding(
    code: str,
    title: str,
    fix: str,
    method: str,
    *,
    value: float | None = None,
    unit: str | None = None,
    limit: float | None = None,
    spans: Sequence[Span] = (),
    deduction: float = 0.0,
) -> Finding:
    """Its severity follows from what it costs: nothing, up to 5, up to 12, more."""
    return Finding(
        code=code,
        severity=_severity(deduction),
        title=_with_minus(title),
        value=None if value is None else round(float(value), 3),
        unit=unit,
        limit=limit,
        spans=list(spans)[:MOST_SPANS],
        deduction=round(float(deduction), 1),
        fix=_with_minus(fix),
        method=method,
    )


def runs_as_spans(marked: np.ndarray, step_s: float, shortest_s: float = 0.0) -> list[Span]:
    """Stretches of True in (n,) steps that last at least so long."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    return [
        Span(start_s=round(float(a) * step_s, 3), end_s=round(float(b) * step_s, 3))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if (b - a) * step_s >= shortest_s
    ]


def _with_minus(text: str) -> str:
    return _HYPHEN_BEFORE_A_NUMBER.sub("\u2212", text)


def _severity(deduction: float) -> Severity:
    if deduction <= 0:
        return "info"
    if deduction <= 5:
        return "minor"
    return "major" if deduction <= 12 else "severe"
