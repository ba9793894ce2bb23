"""Markup that the shared parts write from values: attributes, columns, initials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

HUES = 8


def attributes(given: Mapping[str, object]) -> Markup:
    """` data-open="x" required`: an underscore of a name is a hyphen, True stands alone, None and
    False are left out.
    """
    said = ((name.replace("_", "-"), value) for name, value in given.items())
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in said
        if value is not None and value is not False
    )


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a table. `sort` lets the reader order by it; `unseen` is that of the deeds, whose
    name is for the ear.
    """

    label: str
    num: bool = False
    sort: bool = False
    unseen: bool = False

    @property
    def head(self) -> Markup:
        classes = f"label {self._kind or ''}".strip()
        return attributes({"class": classes, "aria-sort": "none" if self.sort else None})

    @property
    def cell(self) -> Markup:
        """Names the column in each of its cells: on a phone the name stands beside the value."""
        return attributes({"data-label": None if self.unseen else self.label, "class": self._kind})

    @property
    def _kind(self) -> str | None:
        return "deeds" if self.unseen else "num" if self.num else None


def initials(name: str) -> str:
    """Two letters at most, of the first and the last word: `MO` of Mira Okafor."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def hue(name: str) -> int:
    """The number of a colour of its own, 1 to 8: the same for the same name."""
    return sum(name.encode()) % HUES + 1
