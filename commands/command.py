"""The base of the commands of sagas and effects: a frozen model with a stored name.

Commands wait in rows until they are sent, and steps of sagas keep those that were sent. So the
name is given, as an event's type is, and stays when the class is renamed or moved.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Command(BaseModel):
    """Base of all. `class RequestProbe(Command, name="RequestProbe")`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stored_name: ClassVar[str]

    def __init_subclass__(cls, *, name: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.stored_name = name
