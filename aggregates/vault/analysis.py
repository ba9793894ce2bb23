"""Rules of one analysis: run after run requested, attempted, completed or given up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import NotFound
from events.ids import AnalysisId, AssetId, ReanalysisId, WorkspaceId
from events.model import Event
from events.vault.analysis import (
    AnalysisAttemptFailed,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.vault.audio import Blob, Measurement

STORED_AS = "aggregates.analysis"
UNDER_WAY = frozenset({"requested", "attempt_failed"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """`state` and `attempt` are those of the newest `run`; `measured` says that any run was."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    attempt: int = 1
    state: str = "requested"
    run: int = 1
    measured: bool = False
    reanalysis_id: ReanalysisId | None = None

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY


def request(
    analysis: Analysis | None,
    analysis_id: AnalysisId,
    *,
    asset_id: AssetId,
    workspace_id: WorkspaceId,
    sha256: str,
    deleted: bool = False,
) -> Decision:
    """Ask for a measurement, or again after a failed attempt.

    A pending or completed one is not asked for again. Refuses NotFound for a recording that was
    `deleted` meanwhile.
    """
    if deleted:
        raise NotFound("The recording")
    if analysis is None:
        return _ask(analysis_id, asset_id, workspace_id, sha256)
    if analysis.state in ("requested", "completed"):
        return Decision()
    return _ask(
        analysis_id,
        asset_id,
        workspace_id,
        sha256,
        attempt=analysis.attempt + 1,
        run=analysis.run,
        reanalysis_id=analysis.reanalysis_id,
    )


def request_again(
    analysis: Analysis | None,
    analysis_id: AnalysisId,
    *,
    asset_id: AssetId,
    workspace_id: WorkspaceId,
    sha256: str,
    reanalysis_id: ReanalysisId | None = None,
) -> Decision:
    """Measure anew what was measured or given up: the next run. One under way is not doubled."""
    if analysis is None:
        return _ask(analysis_id, asset_id, workspace_id, sha256, reanalysis_id=reanalysis_id)
    if analysis.under_way:
        return Decision()
    return _ask(
        analysis_id,
        asset_id,
        workspace_id,
        sha256,
        attempt=analysis.attempt + 1,
        run=analysis.run + 1,
        reanalysis_id=reanalysis_id,
    )


def complete(
    analysis: Analysis | None,
    analysis_id: AnalysisId,
    *,
    measurement: Measurement,
    peaks: Blob,
    run: int = 1,
    report: Blob | None = None,
) -> Decision:
    """Keep what was measured; the first answer of the newest run counts, others change nothing."""
    analysis = _existing(analysis)
    if analysis.state == "completed" or run != analysis.run:
        return Decision()
    return Decision(
        AnalysisCompleted(
            analysis_id=analysis_id,
            asset_id=analysis.asset_id,
            workspace_id=analysis.workspace_id,
            measurement=measurement,
            peaks=peaks,
            run=run,
            report=report,
            # A run given up counts as failed in its reanalysis, even if its result comes after all.
            reanalysis_id=analysis.reanalysis_id if analysis.under_way else None,
        )
    )


def fail_attempt(
    analysis: Analysis | None, analysis_id: AnalysisId, *, attempt: int, code: str, reason: str
) -> Decision:
    """One attempt gave nothing; an answer for an attempt that is over changes nothing."""
    analysis = _existing(analysis)
    if analysis.state != "requested" or analysis.attempt != attempt:
        return Decision()
    return Decision(
        AnalysisAttemptFailed(
            analysis_id=analysis_id,
            asset_id=analysis.asset_id,
            workspace_id=analysis.workspace_id,
            attempt=attempt,
            code=code,
            reason=reason,
            run=analysis.run,
        )
    )


def give_up(
    analysis: Analysis | None,
    analysis_id: AnalysisId,
    *,
    code: str,
    reason: str,
    run: int | None = None,
) -> Decision:
    """End the attempts of this run; a measurement that came meanwhile stays."""
    analysis = _existing(analysis)
    if not analysis.under_way or run not in (None, analysis.run):
        return Decision()
    return Decision(
        AnalysisFailed(
            analysis_id=analysis_id,
            asset_id=analysis.asset_id,
            workspace_id=analysis.workspace_id,
            code=code,
            reason=reason,
            run=analysis.run,
            reanalysis_id=analysis.reanalysis_id,
        )
    )


def evolve(analysis: Analysis | None, event: Event) -> Analysis | None:
    match event:
        case AnalysisRequested():
            return Analysis(
                event.asset_id,
                event.workspace_id,
                event.attempt,
                run=event.run,
                measured=analysis is not None and analysis.measured,
                reanalysis_id=event.reanalysis_id,
            )
        case _ if analysis is None:
            return None
        case AnalysisCompleted():
            return replace(analysis, state="completed", measured=True)
        case AnalysisAttemptFailed():
            return replace(analysis, state="attempt_failed")
        case AnalysisFailed():
            return replace(analysis, state="failed")
        case _:
            return analysis


def _ask(
    analysis_id: AnalysisId,
    asset_id: AssetId,
    workspace_id: WorkspaceId,
    sha256: str,
    *,
    attempt: int = 1,
    run: int = 1,
    reanalysis_id: ReanalysisId | None = None,
) -> Decision:
    return Decision(
        AnalysisRequested(
            analysis_id=analysis_id,
            asset_id=asset_id,
            workspace_id=workspace_id,
            sha256=sha256,
            attempt=attempt,
            run=run,
            reanalysis_id=reanalysis_id,
        )
    )


def _existing(analysis: Analysis | None) -> Analysis:
    if analysis is None:
        raise NotFound("The analysis")
    return analysis
