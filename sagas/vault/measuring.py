"""Limits and commands of every measurement, in the ingest as in later runs."""

from __future__ import annotations

from datetime import timedelta

from commands.vault.ingest import FailAnalysisAttempt, RequestAnalysis
from events.ids import AnalysisId, AssetId, WorkspaceId
from sagas.saga import Timer

ATTEMPTS = 3
# A backstop for work that was lost, not for work that waits: an import of 5,000 tracks queues for
# six hours. What takes too long when its turn comes is ended by the limits of the child process
# that does it.
LIMIT = Timer("analysis", after=timedelta(hours=24))
STOPPED = "The measurement was stopped by the operator."


def pause(failed: int) -> Timer:
    """5 s after the first failed attempt, then four times as long each."""
    return Timer("retry", after=timedelta(seconds=5 * 4 ** (failed - 1)))


def request(asset_id: str, workspace_id: str, sha256: str) -> RequestAnalysis:
    return RequestAnalysis(
        asset_id=AssetId(asset_id), workspace_id=WorkspaceId(workspace_id), sha256=sha256
    )


def timed_out(asset_id: str, attempt: int) -> FailAnalysisAttempt:
    return FailAnalysisAttempt(
        analysis_id=AnalysisId.beside(asset_id),
        attempt=attempt,
        code="timed-out",
        reason="The analysis did not finish in time.",
    )
