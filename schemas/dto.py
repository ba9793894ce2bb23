"""Parts that the resources of every area are made of: pydantic models, one shape for readers, pages
and OpenAPI.

The resources themselves are in `<area>/dto.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer

from events.times import rfc3339

T = TypeVar("T")
Timestamp = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class Dto(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Dto, Generic[T]):
    """A list answer: keyset paging, `next_cursor` goes back as `cursor`."""

    data: list[T]
    next_cursor: str | None = None
    has_more: bool = False


class PersonDto(Dto):
    """A person in somebody else's thing; `name` is null once they were erased."""

    account_id: str
    name: str | None = None
    handle: str | None = None


class EventDto(Dto):
    """CONTRACT §3."""

    position: int
    event_id: str
    stream_id: str
    stream_version: int
    category: str
    type: str
    version: int
    recorded_at: Timestamp
    effective_at: Timestamp
    actor: str | None
    tenant: str
    correlation_id: str
    causation_id: str | None
    command_id: str
    hash: str
    data: dict[str, Any]
