"""Workspaces: the tenant that owns everything a musician makes."""

from __future__ import annotations

from events.ids import AccountId, WorkspaceId
from events.model import Event, Personal


class WorkspaceCreated(Event, type="workspace.created", version=1, subject="owner_id"):
    """A place of one's own; `owner_id` is its first member and may do everything in it."""

    workspace_id: WorkspaceId
    owner_id: AccountId
    name: Personal[str]
