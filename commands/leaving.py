"""Deletes a workspace's contents with its owner: each area deletes what it keeps there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from events.ids import AccountId, WorkspaceId


@dataclass(frozen=True, slots=True)
class Leaving:
    """Whose workspace is emptied, and what its events follow from."""

    account_id: AccountId
    workspace_id: WorkspaceId
    correlation_id: str
    causation_id: str


class Contents(Protocol):
    """Contents of a workspace in one area. Each method may run again after a crash at any point."""

    def delete_streams(self, leaving: Leaving) -> None:
        """Delete things through their own rules, so that every reader hears of it."""
        ...

    def delete_files(self, workspace_id: str) -> int:
        """Delete blobs; answers how many there were."""
        ...

    def delete_rows(self, workspace_id: str, account_id: str) -> None:
        """Delete rows beside the log that hold something of the workspace or the person."""
        ...

    def arriving(self, workspace_id: str) -> list[str]:
        """Names what may still come in from outside, and so must be waited for."""
        ...


class AllContents:
    """The contents of all areas as one."""

    def __init__(self, areas: Sequence[Contents]) -> None:
        self._areas = areas

    def delete_streams(self, leaving: Leaving) -> None:
        for area in self._areas:
            area.delete_streams(leaving)

    def delete_files(self, workspace_id: str) -> int:
        return sum(area.delete_files(workspace_id) for area in self._areas)

    def delete_rows(self, workspace_id: str, account_id: str) -> None:
        for area in self._areas:
            area.delete_rows(workspace_id, account_id)

    def arriving(self, workspace_id: str) -> list[str]:
        return [name for area in self._areas for name in area.arriving(workspace_id)]
