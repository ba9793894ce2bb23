"""The marks of a recording as a musician may say them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from events.vault.asset import Colour, Status


class MarkChanges(BaseModel):
    """Only the marks that are sent change: null takes a status or a colour away, 0 a rating."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    rating: Annotated[int, Field(ge=0, le=5)] = 0
    colour: Colour | None = None
