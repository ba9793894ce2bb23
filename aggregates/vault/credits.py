"""The text that shows several artists or genres, and their single names."""

from __future__ import annotations

from collections.abc import Iterable

MAX_CREDIT_LENGTH = 500


def credit(text: object, given: Iterable[str]) -> tuple[str | None, tuple[str, ...] | None]:
    """The text to show and, where there are several, the names. A text that names them all stays
    as it was written: "Ada & Ben".
    """
    names = tuple(dict.fromkeys(given))
    several = names if len(names) > 1 else None
    if isinstance(text, str) and all(name.casefold() in text.casefold() for name in names):
        return text, several
    return ", ".join(names)[:MAX_CREDIT_LENGTH].rstrip() or None, several
