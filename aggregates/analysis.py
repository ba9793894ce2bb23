"""Rules of one analysis: requested, attempted, completed or given up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import NotFound
from events.analysis import (
    AnalysisAttemptFailed,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.audio import Blob, Measurement
from events.ids import AnalysisId, AssetId, WorkspaceId
from events.model import Event


@dataclass(frozen=True, slots=True)
class Analysis:
    asset_id: AssetId
    workspace_id: WorkspaceId
    attempt: int = 1
    state: str = "requested"


def request(
    analysis: Analysis | None,
    *,
    analysis_id: AnalysisId,
    asset_id: AssetId,
    workspace_id: WorkspaceId,
    sha256: str,
) -> Decision:
    """Ask for a measurement; a pending or completed one is not asked for again."""
    if analysis is not None and analysis.state in ("requested", "completed"):
        return Decision()
    attempt = 1 if analysis is None else analysis.attempt + 1
    return Decision(
        AnalysisRequested(
            analysis_id=analysis_id,
            asset_id=asset_id,
            workspace_id=workspace_id,
            sha256=sha256,
            attempt=attempt,
        )
    )


def complete(
    analysis: Analysis | None, *, analysis_id: AnalysisId, measurement: Measurement, peaks: Blob
) -> Decision:
    """Keep what was measured; the first answer counts, late ones change nothing."""
    analysis = _existing(analysis)
    if analysis.state == "completed":
        return Decision()
    return Decision(
        AnalysisCompleted(
            analysis_id=analysis_id,
            asset_id=analysis.asset_id,
            workspace_id=analysis.workspace_id,
            measurement=measurement,
            peaks=peaks,
        )
    )


def fail_attempt(
    analysis: Analysis | None, *, analysis_id: AnalysisId, attempt: int, code: str, reason: str
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
        )
    )


def give_up(
    analysis: Analysis | None, *, analysis_id: AnalysisId, code: str, reason: str
) -> Decision:
    """No more attempts; a measurement that came meanwhile stays."""
    analysis = _existing(analysis)
    if analysis.state in ("completed", "failed"):
        return Decision()
    return Decision(
        AnalysisFailed(
            analysis_id=analysis_id,
            asset_id=analysis.asset_id,
            workspace_id=analysis.workspace_id,
            code=code,
            reason=reason,
        )
    )


def evolve(analysis: Analysis | None, event: Event) -> Analysis | None:
    match event:
        case AnalysisRequested():
            return Analysis(event.asset_id, event.workspace_id, event.attempt)
        case _ if analysis is None:
            return None
        case AnalysisCompleted():
            return replace(analysis, state="completed")
        case AnalysisAttemptFailed():
            return replace(analysis, state="attempt_failed")
        case AnalysisFailed():
            return replace(analysis, state="failed")
        case _:
            return analysis


def _existing(analysis: Analysis | None) -> Analysis:
    if analysis is None:
        raise NotFound("The analysis")
    return analysis
