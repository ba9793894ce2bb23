"""Names of several artists or genres as people send them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from events.vault.audio import MAX_NAMES
from schemas.text import Text


def _named(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Single spaces, no empty ones, each once, in the order given."""
    if names is None:
        return None
    tidy = (" ".join(name.split()) for name in names)
    return tuple(dict.fromkeys(name for name in tidy if name))


SeveralNames = Annotated[
    tuple[Annotated[str, Text(500, min=0)], ...] | None,
    Field(max_length=MAX_NAMES),
    AfterValidator(_named),
]
