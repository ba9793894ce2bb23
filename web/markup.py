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
    """A column of a table. `cell` is what each of its cells says: on a phone a row is a card, and
    each value has its name beside it.
    """

    label: str
    num: bool = False
    sort: bool = False

    @property
    def cell(self) -> Markup:
        return attributes({"data-label": self.label, "class": "num" if self.num else None})


def initials(name: str) -> str:
    """Two letters at most, of the first and the last word: `MO` of Mira Okafor."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def hue(name: str) -> int:
    """The number of a colour of its own, 1 to 8: the same for the same name."""
    return sum(name.encode()) % HUES + 1
