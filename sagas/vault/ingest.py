"""uploaded → verified → analysed, or the end state that says why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from commands.command import Command
from commands.vault.ingest import GiveUpAnalysis, RejectAsset, RequestProbe
from events.ids import AnalysisId, AssetId, IngestId
from events.model import Event
from events.vault.analysis import AnalysisAttemptFailed, AnalysisCompleted, AnalysisFailed
from events.vault.asset import AssetDeleted, AssetRejected, AssetUploaded, AssetVerified
from events.vault.ingest import IngestStepped
from sagas.saga import (
    Ended,
    Happened,
    Input,
    Refused,
    Retried,
    Saga,
    Skipped,
    Step,
    Timer,
    TimerFired,
)
from sagas.vault import measuring

PROBE_ATTEMPTS = 3
# Only lost work takes so long (as `measuring.LIMIT`): 5,000 tracks queue for the probe for an hour.
PROBE_LIMIT = Timer("probe", after=timedelta(hours=6))


@dataclass(frozen=True, slots=True)
class Probing:
    """Waiting for the file to be read from end to end."""

    asset_id: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Analysing:
    """Waiting for the measurements."""

    asset_id: str
    workspace_id: str
    sha256: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Pausing:
    """An attempt failed; the next one comes after a while."""

    asset_id: str
    workspace_id: str
    sha256: str
    attempt: int


# Outcomes: analysed, rejected, analysis_failed, deleted, refused, aborted.


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case None, Happened(AssetUploaded() as uploaded):
            return Step(Probing(uploaded.asset_id), wait=(PROBE_LIMIT,))
        case ((None | Ended()), _):
            return None
        case _, Happened(AssetDeleted()):
            return Step(Ended("deleted"))

        case Probing(), Happened(AssetVerified() as verified):
            return _analyse(
                Analysing(
                    verified.asset_id,
                    verified.workspace_id,
                    verified.sha256,
                )
            )
        case Probing(), Happened(AssetRejected()):
            return Step(Ended("rejected"))
        case Probing(asset_id, attempt), TimerFired("probe") if attempt < PROBE_ATTEMPTS:
            again = RequestProbe(asset_id=AssetId(asset_id))
            return Step(Probing(asset_id, attempt + 1), send=(again,), wait=(PROBE_LIMIT,))
        case Probing(asset_id), Retried():
            again = RequestProbe(asset_id=AssetId(asset_id))
            return Step(state, send=(again,), wait=(PROBE_LIMIT,))
        case Probing(asset_id), TimerFired("probe"):
            reject = RejectAsset(
                asset_id=AssetId(asset_id),
                code="no-answer",
                reason="The file could not be read in time. Upload it again, or as WAV or FLAC.",
            )
            return Step(state, send=(reject,), wait=(PROBE_LIMIT,))

        case _, Happened(AnalysisCompleted()):
            return Step(Ended("analysed"))
        case _, Happened(AnalysisFailed()):
            return Step(Ended("analysis_failed"))
        case Analysing(attempt=attempt), Happened(AnalysisAttemptFailed() as failed) if (
            failed.attempt < attempt
        ):
            return None
        case Analysing(attempt=attempt), Happened(AnalysisAttemptFailed()) if (
            attempt < measuring.ATTEMPTS
        ):
            pausing = Pausing(state.asset_id, state.workspace_id, state.sha256, attempt)
            return Step(pausing, wait=(measuring.pause(attempt),))
        case Analysing(), Happened(AnalysisAttemptFailed() as failed):
            give_up = GiveUpAnalysis(
                analysis_id=failed.analysis_id, code=failed.code, reason=failed.reason
            )
            return Step(state, send=(give_up,), wait=(measuring.LIMIT,))
        case Analysing(asset_id=asset_id, attempt=attempt), TimerFired("analysis"):
            timed_out = measuring.timed_out(asset_id, attempt)
            return Step(state, send=(timed_out,), wait=(measuring.LIMIT,))
        case (
            Pausing(asset_id, workspace_id, sha256, attempt),
            (TimerFired("retry") | Retried()),
        ):
            return _analyse(Analysing(asset_id, workspace_id, sha256, attempt + 1))
        case Analysing(), Retried():
            return _analyse(state)
        # Only measurements can be waived: a file that was never read is of no use.
        case ((Analysing() | Pausing()), Skipped()):
            waiting = Analysing(state.asset_id, state.workspace_id, state.sha256, state.attempt)
            give_up = _without_analysis(state, "skipped")
            return Step(waiting, send=(give_up,), wait=(measuring.LIMIT,))

        # The analysis does not exist yet: this command has overtaken the request for it.
        case Analysing(), Refused("FailAnalysisAttempt" | "GiveUpAnalysis"):
            return None
        # Any other refusal means that the asset was deleted meanwhile.
        case _, Refused():
            return Step(Ended("refused"))
        case _:
            return None


def _analyse(state: Analysing) -> Step:
    request = measuring.request(state.asset_id, state.workspace_id, state.sha256)
    return Step(state, send=(request,), wait=(measuring.LIMIT,))


def undo(state: Any) -> tuple[Command, ...]:
    """Ends the waiting: an unread file is rejected, an unmeasured one stays as it is."""
    match state:
        case Probing(asset_id):
            reason = "The check of this file was stopped. Delete it and upload it again."
            return (RejectAsset(asset_id=AssetId(asset_id), code="aborted", reason=reason),)
        case Analysing() | Pausing():
            return (_without_analysis(state, "aborted"),)
        case _:
            return ()


def _without_analysis(state: Analysing | Pausing, code: str) -> GiveUpAnalysis:
    return GiveUpAnalysis(
        analysis_id=AnalysisId.beside(state.asset_id),
        code=code,
        reason=measuring.STOPPED,
    )


def stream_of(event: Event) -> str | None:
    asset_id = getattr(event, "asset_id", None)
    return IngestId.beside(asset_id) if asset_id else None


INGEST = Saga(
    name="ingest",
    version=1,
    categories=("asset", "analysis"),
    stepped=IngestStepped,
    states={"Probing": Probing, "Analysing": Analysing, "Pausing": Pausing},
    watches=(
        *(AssetUploaded, AssetVerified, AssetRejected, AssetDeleted),
        *(AnalysisCompleted, AnalysisAttemptFailed, AnalysisFailed),
    ),
    stream_of=stream_of,
    react=react,
    undo=undo,
)
