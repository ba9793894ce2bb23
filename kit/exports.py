"""One list of the personal export, as the area that holds it hands it over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kit.caller import Caller


@dataclass(frozen=True, slots=True)
class Export:
    """`scope` is the right to read the list, `pieces` makes the JSON of each of its items."""

    scope: str
    pieces: Callable[[Caller], Iterator[str]]
