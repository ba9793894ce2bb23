"""Commands of the ingest saga and the audio effects to assets and analyses.

`ingest_handlers.py` handles them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict

from commands.command import Command
from events.ids import AnalysisId, AssetId, WorkspaceId
from events.vault.audio import AudioFacts, Blob, Measurement, Picture, Sha256, Tags
from schemas.text import Told

Code = Annotated[str, Told(100)]
Reason = Annotated[str, Told(2_000)]


class RequestProbe(Command, name="RequestProbe"):
    """Look into the file again."""

    asset_id: AssetId


class VerifyAsset(Command, name="VerifyAsset"):
    """The probe read the file from end to end."""

    asset_id: AssetId
    tags: Tags
    audio: AudioFacts
    cover: Blob | None
    playable: bool | None = None
    rendition: Blob | None = None
    pictures: tuple[Picture, ...] = ()
    cover_note: Reason | None = None
    peaks: Blob | None = None


class RejectAsset(Command, name="RejectAsset"):
    """The probe found no recording, or no probe gave an answer."""

    asset_id: AssetId
    code: Code
    reason: Reason


class RequestAnalysis(Command, name="RequestAnalysis"):
    """Measure a verified recording."""

    # Rows of an earlier version also name the file; they may still wait to be sent.
    model_config = ConfigDict(frozen=True, extra="ignore")

    asset_id: AssetId
    workspace_id: WorkspaceId
    sha256: Sha256


class CompleteAnalysis(Command, name="CompleteAnalysis"):
    analysis_id: AnalysisId
    measurement: Measurement
    peaks: Blob
    run: int = 1
    report: Blob | None = None


class FailAnalysisAttempt(Command, name="FailAnalysisAttempt"):
    analysis_id: AnalysisId
    attempt: int
    code: Code
    reason: Reason


class GiveUpAnalysis(Command, name="GiveUpAnalysis"):
    """`run` None is the newest."""

    analysis_id: AnalysisId
    run: int | None = None
    code: Code
    reason: Reason
