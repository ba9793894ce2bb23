"""Analyses: what was measured in a recording.

A stream of its own, so it never moves the asset's version.
"""

from __future__ import annotations

from events.ids import AnalysisId, AssetId, ReanalysisId, WorkspaceId
from events.model import Event
from events.vault.audio import Blob, Measurement, Sha256


class AnalysisRequested(Event, type="analysis.requested", version=2):
    """Measure this recording; `attempt` counts on over all runs, a re-analysis is the next run.

    `reanalysis_id` where a whole vault is measured again: others go first.
    """

    analysis_id: AnalysisId
    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256
    attempt: int
    run: int = 1
    reanalysis_id: ReanalysisId | None = None


class AnalysisCompleted(Event, type="analysis.completed", version=1):
    """The recording was measured; `peaks` is the waveform at several zooms, `report` all else.

    `report` is null for what was measured before there were reports.
    """

    analysis_id: AnalysisId
    asset_id: AssetId
    workspace_id: WorkspaceId
    measurement: Measurement
    peaks: Blob
    run: int = 1
    report: Blob | None = None
    reanalysis_id: ReanalysisId | None = None


class AnalysisAttemptFailed(Event, type="analysis.attempt_failed", version=1):
    """One attempt gave nothing; whether there is another is the ingest saga's to say."""

    analysis_id: AnalysisId
    asset_id: AssetId
    workspace_id: WorkspaceId
    attempt: int
    code: str
    reason: str
    run: int = 1


class AnalysisFailed(Event, type="analysis.failed", version=1):
    """No more attempts: the recording stays in the vault, with what earlier runs measured."""

    analysis_id: AnalysisId
    asset_id: AssetId
    workspace_id: WorkspaceId
    code: str
    reason: str
    run: int = 1
    reanalysis_id: ReanalysisId | None = None
