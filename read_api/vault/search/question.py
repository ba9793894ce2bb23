"""A question in plain words, taken apart: filters that can be shown as chips, and the words left.

Nothing is guessed silently: every filter is a chip that the user sees and can take away, and what
stands in quotes is never a filter. Pure: the day of the asking is an argument.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from read_api.vault.search.chips import MANY, Chip
from read_api.vault.search.grammar import NAMES, RULES

_NAMED = rf"(?:{'|'.join((*NAMES, 'tempo', 'harmonic', 'color'))}):"
_QUOTED = rf'(?:\b{_NAMED})?"[^"]*"'
_WRITTEN = re.compile(_NAMED, re.IGNORECASE)
# A longer text is the name of something, no question.
LONGEST = 200
_SEPARATORS = re.compile(r'(?:[\s,;()\[\]"\x00]|[.!?]+(?=[\s,;()\[\]".!?\x00]|$))+')
_PLAIN = re.compile(rf"{_QUOTED}|[^ ]+")
_PARTS = re.compile(_QUOTED)


@dataclass(frozen=True, slots=True)
class Plain:
    """Words to be found in the text of a recording."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Question:
    """Chips and plain words in the order in which they were said; `str` reads the same again.

    Whatever is understood, the words stay: each chip knows what was `said`.
    """

    pieces: tuple[Chip | Plain, ...] = ()

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Chip))

    @property
    def words(self) -> str:
        """Joins the parts that are full text, without quotes."""
        return " ".join(
            piece.text.replace('"', "") for piece in self.pieces if isinstance(piece, Plain)
        )

    def __str__(self) -> str:
        return " ".join(
            piece.said if isinstance(piece, Chip) else piece.text for piece in self.pieces
        )

    def without(self, chip: Chip) -> Question:
        """Drops the chip: spoken words become text, a filter that was written as one is gone."""
        text = (Plain(f'"{chip.said}"'),) if chip.spoken else ()
        at = self.pieces.index(chip)
        return Question((*self.pieces[:at], *text, *self.pieces[at + 1 :]))


def understand(text: str | None, today: date) -> Question:
    """Take a question apart. Never fails: what is no filter is words.

    From left to right, at each word the longest filter that begins there. A second filter of a
    kind that one can have only once stays words.
    """
    text = _normal(text or "")
    if len(text) > LONGEST:
        return Question((Plain(text),))
    pieces: list[Chip | Plain] = []
    taken: set[str] = set()
    at = 0
    while at < len(text):
        chip, end = _filter_at(text, at, today)
        kind = chip and ("key" if chip.name == "compatible" else chip.name)
        if chip is None or kind in taken or chip in pieces:
            plain = _PLAIN.match(text, at)
            end = plain.end() if plain else len(text)
            pieces.append(Plain(text[at:end]))
        else:
            said = text[at:end]
            pieces.append(replace(chip, said=said, spoken=not _WRITTEN.match(said)))
            if kind and kind not in MANY:
                taken.add(kind)
        at = end + 1
    return Question(tuple(pieces))


def _filter_at(text: str, at: int, today: date) -> tuple[Chip | None, int]:
    """The longest filter that begins here, and where it ends."""
    found, end = None, at
    for pattern, meaning in RULES:
        match = pattern.match(text, at)
        if match and match.end() > end:
            chip = meaning(match, today)
            if chip is not None:
                found, end = chip, match.end()
    return found, end


def _normal(text: str) -> str:
    """One space between words and no punctuation around them; quotes stay as they are."""
    text = re.sub("[“”„]", '"', text)
    pieces, at = [], 0
    for quoted in _PARTS.finditer(text):
        pieces.append(_SEPARATORS.sub(" ", text[at : quoted.start()]))
        name, _, content = quoted[0][:-1].partition('"')
        said = " ".join(content.replace("\x00", " ").split())
        pieces.append(f'{name}"{said}"' if said else name)
        at = quoted.end()
    pieces.append(_SEPARATORS.sub(" ", text[at:]))
    return " ".join(" ".join(pieces).split())
