"""The base of the commands of sagas and effects: a frozen model with a stored name.

Commands wait in rows until they are sent, and steps of sagas keep those that were sent. So the
name is given, as an event's type is, and stays when the class is renamed or moved.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Command(BaseModel):
    """Base of all. `class RequestProbe(Command, name="RequestProbe")`.

    Whose target may lie in another workspace than its sender names the field that says in which:
    `class ReleaseHour(Command, name="ReleaseHour", tenant="workspace_id")`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stored_name: ClassVar[str]
    tenant_field: ClassVar[str | None]

    def __init_subclass__(cls, *, name: str, tenant: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.stored_name, cls.tenant_field = name, tenant

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if cls.tenant_field is not None and cls.tenant_field not in cls.model_fields:
            raise TypeError(f"{cls.stored_name} says its tenant in a field that it does not have")

    def tenant_for(self, sender: str) -> str:
        """The workspace of the command's target: its sender's, unless it names another."""
        return sender if self.tenant_field is None else str(getattr(self, self.tenant_field))
