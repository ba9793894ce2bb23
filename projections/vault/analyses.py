"""Analyses run by run: what was measured when, by what, and what it gave."""

from __future__ import annotations

from events.envelope import Recorded
from events.vault.analysis import AnalysisCompleted, AnalysisFailed, AnalysisRequested
from projections.projection import Holds, Projection, Rows

# Left out: these values are long, and only the search for sounds uses them.
_LEFT_OUT = {"sound", "words", "fingerprint"}


class Analyses(
    Projection, name="analyses", version=1, categories=("analysis",), holds=Holds.NOTHING_PERSONAL
):
    """One row per run. Read by POST /api/analysis/enhanced and GET /api/assets/{id}/analyses."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        data = event.data
        match data:
            case AnalysisRequested():
                rows.upsert(
                    (data.analysis_id, data.run),
                    asset_id=data.asset_id,
                    workspace_id=data.workspace_id,
                    reanalysis_id=data.reanalysis_id,
                    state="requested",
                    asked_at=event.recorded_at,
                )
            case AnalysisCompleted():
                rows.upsert(
                    (data.analysis_id, data.run),
                    state="completed",
                    ended_at=event.recorded_at,
                    code=None,
                    reason=None,
                    analyser=data.measurement.analyser,
                    analyser_version=data.measurement.analyser_version,
                    report_sha256=data.report and data.report.sha256,
                    measured=data.measurement.model_dump(mode="json", exclude=_LEFT_OUT),
                )
            case AnalysisFailed():
                rows.upsert(
                    (data.analysis_id, data.run),
                    state="failed",
                    ended_at=event.recorded_at,
                    code=data.code,
                    reason=data.reason,
                )
