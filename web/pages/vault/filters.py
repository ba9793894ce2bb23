"""Filters of the list: each with its fields, its editor and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from schemas.audio.harmony import KEYS
from schemas.vault.dto import Colour, Status

Options = tuple[tuple[str, str], ...]

STATES = {
    "uploaded": "Checking",
    "verified": "Analysing",
    "analysed": "Ready",
    "rejected": "Rejected",
    "analysis_failed": "Not analysed",
}
LENGTHS: Options = (
    ("-60", "Under 1 min"),
    ("60-180", "1 to 3 min"),
    ("180-300", "3 to 5 min"),
    ("300-", "Over 5 min"),
)
VOCALS: Options = (("yes", "With vocals"), ("no", "No vocals"))
_KEYS: Options = tuple((key, key) for key in KEYS)
STATUSES: Options = tuple((each, each.replace("-", " ").capitalize()) for each in get_args(Status))
COLOURS: Options = tuple((each, each.capitalize()) for each in get_args(Colour))


@dataclass(frozen=True, slots=True)
class Filter:
    """`editor` names the macro of _filters.html that edits it: a range and a share have a lowest
    and a highest value, shares go from 0 to 1. `fields` are parameters of the list's address.

    `words` stand at the beginning of its chip.
    """

    label: str
    editor: Literal["range", "share", "choice", "text", "dates"]
    fields: tuple[str, ...]
    words: str = ""
    options: Options = ()
    example: str = ""

    def said(self, given: Mapping[str, str]) -> str:
        """Says what is set of it, in the words of its chip; empty when nothing is."""
        values = [given.get(field, "") for field in self.fields]
        if not any(values):
            return ""
        match self.editor:
            case "range":
                said = _span(*values)
            case "share":
                said = _span(*map(_percent, values))
            case "dates":
                said = _days(*values)
            case "choice":
                said = dict(self.options).get(values[0], values[0])
            case "text":
                said = values[0]
        return f"{self.words} {said}".strip()


FILTERS = (
    Filter("BPM", "range", ("tempo_min", "tempo_max"), "BPM"),
    Filter("Key", "choice", ("key",), "Key", _KEYS),
    Filter("Mixes with key", "choice", ("compatible_with",), "Mixes with", _KEYS),
    Filter("Genre", "text", ("genre",), "Genre", example="Techno"),
    Filter("Length", "choice", ("length",), "", LENGTHS),
    Filter("Vocals", "choice", ("vocals",), "", VOCALS),
    Filter("Instruments", "text", ("instrument",), "With", example="piano, strings"),
    Filter("Mood", "text", ("mood",), "Mood", example="dark"),
    Filter("Energy", "share", ("energy_min", "energy_max"), "Energy"),
    Filter("Danceability", "share", ("danceability_min", "danceability_max"), "Danceability"),
    Filter("Uploaded", "dates", ("since", "until"), "Uploaded"),
    Filter("Status", "choice", ("status",), "", STATUSES),
    Filter("Rating", "range", ("rating_min", "rating_max"), "Rating"),
    Filter("Colour", "choice", ("colour",), "", COLOURS),
    Filter("State", "choice", ("state",), "State:", tuple(STATES.items())),
)
FIELDS = tuple(field for each in FILTERS for field in each.fields)


def _span(low: str, high: str) -> str:
    if low and high:
        return f"{low}–{high}"
    return f"from {low}" if low else f"up to {high}"


def _percent(share: str) -> str:
    """Leaves what is no number as it was typed: the list says what is wrong with it."""
    try:
        return f"{float(share):.0%}"
    except ValueError:
        return share


def _days(since: str, until: str) -> str:
    named = ((word, day[:10]) for word, day in (("since", since), ("before", until)) if day)
    return " and ".join(f"{word} {day}" for word, day in named)
