"""The answer of one benchmark."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: our figure against the peer's, both of the same run.

    `ratio` is ours / theirs in the sense of the goal; it is met when `ratio >= goal`, or, with
    `at_most`, when `ratio <= goal`. `details` holds percentiles, sizes, seeds: plain JSON.
    """

    name: str
    title: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    goal: float
    unit: str
    at_most: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"met": self.met}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p90, p99 and max of at least two values, rounded to microseconds if they are seconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 6),
        "p90": round(cuts[89], 6),
        "p99": round(cuts[98], 6),
        "max": round(max(values), 6),
        "n": len(values),
    }
