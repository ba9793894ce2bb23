"""One line of `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`advice` is what to do; None when there is nothing to do."""

    name: str
    value: str
    level: Literal["ok", "advice", "problem"] = "ok"
    advice: str | None = None
    source: str | None = None
