"""How a text says what a chip asks for: the phrases that count as much as a measurement."""

from __future__ import annotations

import re

from projections.folding import fold
from projections.vault.genres import GENRES
from read_api.vault.search.chips import Chip
from read_api.vault.search.vocabulary import INSTRUMENTS
from schemas.audio.harmony import camelot, spellings

# What introduces a value in a question and in no title.
_BEFORE = re.compile(
    r"(?:in |with |around |about |circa |roughly |between |the key of |an? |the |~)+", re.IGNORECASE
)
_NUMBER = re.compile(r"\d{1,3}")


def phrases(chip: Chip) -> list[str]:
    """Folded, each once; what was typed first."""
    said = [chip.said, _BEFORE.sub("", chip.said, count=1) if _BEFORE.match(chip.said) else ""]
    match chip.name:
        case "genre":
            said += (chip.value, *GENRES.get(chip.value, ()))
        case "instrument":
            said += INSTRUMENTS.get(chip.value, (chip.value,))
        case "key":
            said += (*spellings(chip.value), camelot(chip.value))
        case "bpm" if len(found := _NUMBER.findall(chip.said)) == 1:
            said.append(f"{found[0]} bpm")
        case "vocals" if chip.value == "no":
            said.append("instrumental")
    # One word more than a number: `around 140` stands in a title as `140 bpm`, not as `140`.
    return list(dict.fromkeys(f for each in said if (f := fold(each)) and not f.isdecimal()))


def as_query(said: list[str]) -> str:
    """For the text index: one of the phrases, word for word."""
    return " | ".join(f"({' <-> '.join(map(quoted, phrase.split()))})" for phrase in said)


def quoted(word: str) -> str:
    """A word of a text query that is taken as it is."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
