"""The sections of the navigation, and to which of them a page belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One entry. `holds` are the first parts of the addresses of its pages."""

    name: str
    path: str
    holds: tuple[str, ...]
    operators_only: bool = False

    def has(self, path: str) -> bool:
        return path.strip("/").split("/")[0] in self.holds


def sections_for(sections: Sequence[Section], *, operator: bool) -> Sequence[Section]:
    return [section for section in sections if operator or not section.operators_only]
