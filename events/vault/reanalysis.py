"""Reanalyses: many recordings of a workspace measured again, batch by batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from events.ids import AccountId, AssetId, ReanalysisId, WorkspaceId
from events.model import Event

# 4 KB an event, and as many recordings as wait in the queue at most.
BATCH = 100


class ReanalysisRequested(Event, type="reanalysis.requested", version=1):
    """Somebody wants `total` recordings measured again: those of the batches listed behind this."""

    reanalysis_id: ReanalysisId
    workspace_id: WorkspaceId
    requested_by: AccountId
    total: int = Field(ge=0)
    batches: int = Field(ge=0)
    analyser_version_below: int | None = None


class ReanalysisListed(Event, type="reanalysis.listed", version=1):
    """The recordings of one batch; batches count from 0."""

    reanalysis_id: ReanalysisId
    workspace_id: WorkspaceId
    number: int = Field(ge=0)
    asset_ids: Annotated[tuple[AssetId, ...], Field(min_length=1, max_length=BATCH)]


class ReanalysisBatchStarted(Event, type="reanalysis.batch_started", version=1):
    """`asked` recordings of the batch are measured again.

    `passed_over` are not: deleted by now, or on their way already. `passed_over_so_far` counts
    them with those of the batches before.
    """

    reanalysis_id: ReanalysisId
    workspace_id: WorkspaceId
    number: int
    asked: int
    passed_over: int
    passed_over_so_far: int


class ReanalysisCompleted(Event, type="reanalysis.completed", version=1):
    """Every recording was measured again, given up or passed over."""

    reanalysis_id: ReanalysisId
    workspace_id: WorkspaceId
    measured: int
    failed: int
    passed_over: int


class ReanalysisCancelled(Event, type="reanalysis.cancelled", version=1):
    """No further batch; what was asked for already is still measured. Null: by an operator."""

    reanalysis_id: ReanalysisId
    workspace_id: WorkspaceId
    cancelled_by: AccountId | None
