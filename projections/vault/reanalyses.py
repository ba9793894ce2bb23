"""Reanalyses: how far the measuring again of many recordings is."""

from __future__ import annotations

from events.envelope import Recorded
from events.vault.reanalysis import (
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisRequested,
)
from projections.projection import Holds, Projection, Rows


class Reanalyses(
    Projection,
    name="reanalyses",
    version=1,
    categories=("reanalysis",),
    holds=Holds.NOTHING_PERSONAL,
):
    """One row per reanalysis. Read by GET /api/analysis/runs/{id}."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        data = event.data
        match data:
            case ReanalysisRequested():
                rows.upsert(
                    data.reanalysis_id,
                    workspace_id=data.workspace_id,
                    state="running",
                    total=data.total,
                    passed_over=0,
                    analyser_version_below=data.analyser_version_below,
                    started_at=event.recorded_at,
                )
            case ReanalysisBatchStarted():
                rows.upsert(data.reanalysis_id, passed_over=data.passed_over_so_far)
            case ReanalysisCompleted():
                rows.upsert(data.reanalysis_id, state="completed", finished_at=event.recorded_at)
            case ReanalysisCancelled():
                rows.upsert(data.reanalysis_id, state="cancelled", finished_at=event.recorded_at)
