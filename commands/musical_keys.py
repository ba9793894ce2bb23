"""How people spell a musical key, brought to its one name of the 24."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from events.audio import MUSICAL_KEYS
from schemas.harmony import key_of


def musical_key(text: object) -> object:
    """`Am`, `A min`, `Bbm` and `8A` are known too; null stays. Raises ValueError naming all 24."""
    if text is None:
        return None
    name = key_of(str(text))
    if name is None:
        raise ValueError(f"{text!r:.40} is no key; keys are {', '.join(MUSICAL_KEYS)}")
    return name


MusicalKeySpelling = Annotated[str | None, BeforeValidator(musical_key)]
