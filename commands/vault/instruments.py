"""Names of instruments as people write them: one spelling each, so that a search finds them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from events.vault.audio import MAX_INSTRUMENTS
from schemas.text import Text


def _named(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Lower case, single spaces, each once, in the order given."""
    if names is None:
        return None
    tidy = (" ".join(name.lower().split()) for name in names)
    return tuple(dict.fromkeys(name for name in tidy if name))


InstrumentNames = Annotated[
    tuple[Annotated[str, Text(500, min=0)], ...] | None,
    Field(max_length=MAX_INSTRUMENTS),
    AfterValidator(_named),
]
