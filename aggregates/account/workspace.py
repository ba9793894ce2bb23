"""Rules of one workspace."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists
from events.account.workspace import WorkspaceCreated
from events.ids import AccountId, WorkspaceId
from events.model import Event

STORED_AS = "aggregates.workspace"


@dataclass(frozen=True, slots=True)
class Workspace:
    owner_id: AccountId


def create(
    nothing: Workspace | None, workspace_id: WorkspaceId, *, owner_id: AccountId, name: str
) -> Decision:
    if nothing is not None:
        raise AlreadyExists("The workspace")
    return Decision(WorkspaceCreated(workspace_id=workspace_id, owner_id=owner_id, name=name))


def evolve(workspace: Workspace | None, event: Event) -> Workspace | None:
    match event:
        case WorkspaceCreated():
            return Workspace(event.owner_id)
        case _:
            return workspace
