"""The vault's two effects: look into an uploaded file, and measure a verified recording."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel

from commands.ingest import CompleteAnalysis, FailAnalysisAttempt, RejectAsset, VerifyAsset
from events.analysis import AnalysisRequested
from events.asset import AssetProbeRequested, AssetUploaded
from events.audio import AudioFacts, Blob, Measurement, Tags
from events.envelope import Recorded
from gateways.ports import AudioTools, ObjectStore

PEAKS_MEDIA_TYPE = "application/vnd.noculture.peaks"


class ProbeEffect:
    """Uploaded bytes → verified or rejected."""

    name = "probe"
    categories = ("asset",)
    max_attempts = 3

    def __init__(self, tools: AudioTools, objects: ObjectStore) -> None:
        self._tools, self._objects = tools, objects

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, AssetUploaded | AssetProbeRequested)

    def perform(self, event: Recorded) -> BaseModel:
        intent = event.data
        assert isinstance(intent, AssetUploaded | AssetProbeRequested)
        with self._objects.local_copy(intent.workspace_id, intent.sha256) as path:
            probe = self._tools.probe(path)
        if probe.verdict == "refused":
            return RejectAsset(asset_id=intent.asset_id, code=probe.code, reason=probe.reason)
        cover = None
        if probe.cover is not None:
            cover = _keep(
                self._objects, intent.workspace_id, probe.cover.data, probe.cover.media_type
            )
        return VerifyAsset(
            asset_id=intent.asset_id,
            tags=Tags.model_validate(probe.tags.model_dump()),
            audio=AudioFacts.model_validate(probe.audio.model_dump()),
            cover=cover,
        )

    def give_up(self, event: Recorded, error: Exception) -> BaseModel:
        intent = event.data
        assert isinstance(intent, AssetUploaded | AssetProbeRequested)
        return RejectAsset(
            asset_id=intent.asset_id,
            code="unreadable",
            reason="The file made our reader stop three times. Export it again and upload that.",
        )


class AnalysisEffect:
    """Verified recording → measurements and peaks."""

    name = "analyse"
    categories = ("analysis",)
    # One attempt an intent: the ingest saga counts attempts and asks again after a pause.
    max_attempts = 1

    def __init__(self, tools: AudioTools, objects: ObjectStore) -> None:
        self._tools, self._objects = tools, objects

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, AnalysisRequested)

    def perform(self, event: Recorded) -> BaseModel:
        intent = event.data
        assert isinstance(intent, AnalysisRequested)
        with self._objects.local_copy(intent.workspace_id, intent.sha256) as path:
            analysis = self._tools.analyse(path)
        return CompleteAnalysis(
            analysis_id=intent.analysis_id,
            measurement=Measurement.model_validate(analysis.measurement.model_dump()),
            peaks=_keep(self._objects, intent.workspace_id, analysis.peaks, PEAKS_MEDIA_TYPE),
        )

    def give_up(self, event: Recorded, error: Exception) -> BaseModel:
        intent = event.data
        assert isinstance(intent, AnalysisRequested)
        return FailAnalysisAttempt(
            analysis_id=intent.analysis_id,
            attempt=intent.attempt,
            code=getattr(error, "code", "analysis-failed"),
            reason=str(error)[:500] or type(error).__name__,
        )


def _keep(objects: ObjectStore, workspace_id: str, data: bytes, media_type: str) -> Blob:
    sha256 = hashlib.sha256(data).hexdigest()
    objects.put_bytes(workspace_id, sha256, data)
    return Blob(sha256=sha256, size_bytes=len(data), media_type=media_type)
