"""The entries of the navigation, and to which of them a page belongs.

An area says its entries (`runtime/areas`). Where a page belongs is found by the name of its route;
template and script both read what is found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request

from kit.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One entry. `pages` are names of routes, first the one that `path` leads to: their pages
    belong to this entry, and so does what lies below them.

    `order` places it among the entries of all areas, `icon` is one of `_parts.html`. `parts` are
    the entries below this one. With `in_menu` it stands in the account's menu, with
    `counted` it shows how much needs the caller.
    """

    name: str
    path: str
    icon: str
    order: int = 0
    pages: tuple[str, ...] = ()
    parts: tuple[Section, ...] = ()
    in_menu: bool = False
    counted: bool = False
    operators_only: bool = False


def every(sections: Sequence[Section]) -> Iterator[tuple[Section, Section]]:
    """All entries, those below others too, each as (the entry of the first level, itself)."""
    for section in sections:
        yield section, section
        for part in section.parts:
            yield section, part


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page belongs: to `part`, which is `section` itself or one below it."""

    section: Section
    part: Section

    @property
    def page(self) -> str:
        """Tells this entry from all others: the name of its first route."""
        return self.part.pages[0]

    def above(self, path: str) -> list[Section]:
        """The entries over a page of this path, the widest first; none over an entry's own page."""
        if path == self.part.path:
            return []
        others = [self.part] if self.part.path != self.section.path else []
        return [self.section, *others]


class Navigation:
    """The entries of all areas in their order. `places` says the place of a path of routes."""

    def __init__(self, sections: Sequence[Section], places: Mapping[str, Place]) -> None:
        self._sections = sorted(sections, key=lambda section: section.order)
        self._places = places

    def seen_by(self, caller: Caller) -> list[Section]:
        return [each for each in self._sections if caller.operator or not each.operators_only]

    def place_of(self, request: Request) -> Place | None:
        """Also of an address for forms, and of a thing that is not there; None elsewhere."""
        path = path_of(request)
        while path:
            if found := self._places.get(path):
                return found
            path = path.rpartition("/")[0]
        return None


def path_of(request: Request) -> str:
    """The path of the request's route, with names for what varies in it."""
    return getattr(request.scope.get("route"), "path", "")
