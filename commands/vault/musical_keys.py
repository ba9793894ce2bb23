"""How people spell a musical key, brought to its one name of the 24."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from events.vault.audio import MUSICAL_KEYS
from schemas.audio.harmony import key_of
from schemas.text import Opaque


def musical_key(text: str) -> str:
    """`Am`, `A min`, `Bbm` and `8A` are known too. Raises ValueError naming all 24."""
    name = key_of(text)
    if name is None:
        raise ValueError(f"{text!r:.40} is no key; keys are {', '.join(MUSICAL_KEYS)}")
    return name


MusicalKeySpelling = Annotated[str, AfterValidator(musical_key), Opaque(100)]
