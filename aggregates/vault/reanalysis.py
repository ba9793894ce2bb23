"""Rules of one reanalysis: its recordings are named at the beginning and asked for by batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, ReanalysisId, WorkspaceId
from events.model import Event
from events.vault.reanalysis import (
    BATCH,
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisListed,
    ReanalysisRequested,
)

# One at a time in a workspace: a second one would measure the same recordings twice.
STORED_AS = "aggregates.reanalysis"
ONE_AT_A_TIME = Claim("reanalysis", "workspace")


class ReanalysisOver(NoCultureError):
    status, code = 409, "reanalysis-over"

    def __init__(self, state: str) -> None:
        super().__init__(f"This run is {state}: there is nothing left to cancel")


@dataclass(frozen=True, slots=True)
class Reanalysis:
    """`listed` are the batches in order, `started` how many of them were asked for."""

    workspace_id: WorkspaceId
    total: int
    listed: tuple[tuple[AssetId, ...], ...] = ()
    started: int = 0
    passed_over: int = 0
    state: str = "running"


def request(
    nothing: Reanalysis | None,
    reanalysis_id: ReanalysisId,
    *,
    workspace_id: WorkspaceId,
    requested_by: AccountId,
    asset_ids: Sequence[AssetId],
    analyser_version_below: int | None = None,
) -> Decision:
    """Begin; without recordings the run is over at once. Another one under way is a lost claim."""
    if nothing is not None:
        raise AlreadyExists("The reanalysis")
    batches = [tuple(asset_ids[i : i + BATCH]) for i in range(0, len(asset_ids), BATCH)]
    requested = ReanalysisRequested(
        reanalysis_id=reanalysis_id,
        workspace_id=workspace_id,
        requested_by=requested_by,
        total=len(asset_ids),
        batches=len(batches),
        analyser_version_below=analyser_version_below,
    )
    if not batches:
        return Decision(requested, _completed(reanalysis_id, workspace_id, 0, 0, 0))
    listed = (
        ReanalysisListed(
            reanalysis_id=reanalysis_id,
            workspace_id=workspace_id,
            number=number,
            asset_ids=batch,
        )
        for number, batch in enumerate(batches)
    )
    return Decision(requested, *listed, takes=(ONE_AT_A_TIME,))


def start_batch(
    reanalysis: Reanalysis | None,
    reanalysis_id: ReanalysisId,
    *,
    number: int,
    asked: int,
    passed_over: int,
) -> Decision:
    """Say that a batch was asked for, each once and in order; none of a run that is over."""
    reanalysis = _existing(reanalysis)
    if reanalysis.state != "running" or number != reanalysis.started:
        return Decision()
    return Decision(
        ReanalysisBatchStarted(
            reanalysis_id=reanalysis_id,
            workspace_id=reanalysis.workspace_id,
            number=number,
            asked=asked,
            passed_over=passed_over,
            passed_over_so_far=reanalysis.passed_over + passed_over,
        )
    )


def complete(
    reanalysis: Reanalysis | None,
    reanalysis_id: ReanalysisId,
    *,
    measured: int,
    failed: int,
    passed_over: int,
) -> Decision:
    """Nothing is left to be measured."""
    reanalysis = _existing(reanalysis)
    if reanalysis.state != "running":
        return Decision()
    return Decision(
        _completed(reanalysis_id, reanalysis.workspace_id, measured, failed, passed_over),
        releases=(ONE_AT_A_TIME,),
    )


def cancel(
    reanalysis: Reanalysis | None, reanalysis_id: ReanalysisId, *, cancelled_by: AccountId | None
) -> Decision:
    """Begin no further batch. Refuses ReanalysisOver (409) once it is completed."""
    reanalysis = _existing(reanalysis)
    if reanalysis.state == "completed":
        raise ReanalysisOver(reanalysis.state)
    if reanalysis.state == "cancelled":
        return Decision()
    return Decision(
        ReanalysisCancelled(
            reanalysis_id=reanalysis_id,
            workspace_id=reanalysis.workspace_id,
            cancelled_by=cancelled_by,
        ),
        releases=(ONE_AT_A_TIME,),
    )


def evolve(reanalysis: Reanalysis | None, event: Event) -> Reanalysis | None:
    match event:
        case ReanalysisRequested():
            return Reanalysis(event.workspace_id, event.total)
        case _ if reanalysis is None:
            return None
        case ReanalysisListed():
            return replace(reanalysis, listed=(*reanalysis.listed, event.asset_ids))
        case ReanalysisBatchStarted():
            return replace(
                reanalysis, started=event.number + 1, passed_over=event.passed_over_so_far
            )
        case ReanalysisCompleted():
            return replace(reanalysis, state="completed")
        case ReanalysisCancelled():
            return replace(reanalysis, state="cancelled")
        case _:
            return reanalysis


def _completed(
    reanalysis_id: ReanalysisId,
    workspace_id: WorkspaceId,
    measured: int,
    failed: int,
    passed_over: int,
) -> ReanalysisCompleted:
    return ReanalysisCompleted(
        reanalysis_id=reanalysis_id,
        workspace_id=workspace_id,
        measured=measured,
        failed=failed,
        passed_over=passed_over,
    )


def _existing(reanalysis: Reanalysis | None) -> Reanalysis:
    if reanalysis is None:
        raise NotFound("The run")
    return reanalysis
