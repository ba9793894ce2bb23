"""The vault's two effects: look into an uploaded file, and measure a verified recording."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from commands.command import Command
from commands.vault.ingest import CompleteAnalysis, FailAnalysisAttempt, RejectAsset, VerifyAsset
from commands.vault.staging import Staging
from events.envelope import Recorded
from events.errors import NoCultureError
from events.vault.analysis import AnalysisRequested
from events.vault.asset import AssetProbeRequested, AssetUploaded
from events.vault.audio import AudioFacts, Blob, Measurement, Picture, Tags
from gateways.audio.errors import AnalyserStopped
from gateways.audio.facts import EmbeddedPicture
from gateways.ports.audio import AudioTools
from gateways.ports.objects import ObjectStore
from processors.effects.effect import Effect, Interrupted
from schemas.audio.report import REPORT_MEDIA_TYPE

log = logging.getLogger(__name__)
PEAKS_MEDIA_TYPE = "application/vnd.noculture.peaks"
MAX_RENDITION_BYTES = 512 * 1024 * 1024
# Five seconds a track: in a queue longer than this the others come before what is only convenient,
# and long before the ingest saga asks again.
RENDER_WITHIN_S = 2 * 3600


class ProbeEffect(Effect):
    """Uploaded bytes → verified, with a waveform and what browsers need to play it, or rejected."""

    name = "probe"
    categories = ("asset",)
    intents = (AssetUploaded, AssetProbeRequested)
    max_attempts = 3

    def __init__(self, tools: AudioTools, objects: ObjectStore) -> None:
        self._tools, self._objects = tools, objects

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, AssetUploaded | AssetProbeRequested)

    def perform(self, event: Recorded) -> Command:
        intent = event.data
        assert isinstance(intent, AssetUploaded | AssetProbeRequested)
        with (
            _interruptible(),
            self._objects.local_copy(intent.workspace_id, intent.sha256) as path,
        ):
            probe = self._tools.probe(path)
            rendition = drawn = None
            if probe.verdict == "accepted":
                drawn = self._drawn(intent.workspace_id, path)
            if probe.verdict == "accepted" and not probe.playable and _has_time(event):
                rendition = self._rendition(intent.workspace_id, path)
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
            playable=probe.playable,
            rendition=rendition,
            pictures=self._pictures(intent.workspace_id, probe.pictures),
            cover_note=probe.cover_note,
            peaks=drawn,
        )

    def _drawn(self, workspace_id: str, path: Path) -> Blob | None:
        """The waveform before the analysis, which comes after those of all who wait: a second
        instead of minutes. None when it could not be made.
        """
        try:
            drawn = self._tools.draw(path)
        except AnalyserStopped:
            raise
        except (NoCultureError, OSError) as error:
            log.warning("%s is drawn when it is analysed: %s", path.name, error)
            return None
        return _keep(self._objects, workspace_id, drawn.peaks, PEAKS_MEDIA_TYPE)

    def _pictures(
        self, workspace_id: str, found: tuple[EmbeddedPicture, ...]
    ) -> tuple[Picture, ...]:
        return tuple(
            Picture(
                kind=each.kind, image=_keep(self._objects, workspace_id, each.data, each.media_type)
            )
            for each in found
        )

    def _rendition(self, workspace_id: str, path: Path) -> Blob | None:
        """None when it could not be made: a recording is none the worse for it."""
        try:
            with Staging(self._objects, MAX_RENDITION_BYTES).receive(workspace_id) as receiving:
                made = self._tools.render(path, lambda chunk: receiving.write([chunk]))
                staged = receiving.finish()
                self._objects.put_file(workspace_id, staged.sha256, staged.path)
        except AnalyserStopped:
            raise
        except (NoCultureError, OSError) as error:
            log.warning("%s gets no rendition: %s", path.name, error)
            return None
        return Blob(sha256=staged.sha256, size_bytes=staged.size_bytes, media_type=made.media_type)

    def give_up(self, event: Recorded, error: Exception) -> Command:
        intent = event.data
        assert isinstance(intent, AssetUploaded | AssetProbeRequested)
        return RejectAsset(
            asset_id=intent.asset_id,
            code="unreadable",
            reason="The file made our reader stop three times. Export it again and upload that.",
        )


class AnalysisEffect(Effect):
    """Verified recording → measurements, peaks and report."""

    name = "analyse"
    categories = ("analysis",)
    intents = (AnalysisRequested,)
    # One attempt an intent: the ingest saga counts attempts and asks again after a pause.
    max_attempts = 1

    def __init__(self, tools: AudioTools, objects: ObjectStore, at_once: int = 1) -> None:
        self._tools, self._objects, self.cap = tools, objects, at_once

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, AnalysisRequested)

    def perform(self, event: Recorded) -> Command:
        intent = event.data
        assert isinstance(intent, AnalysisRequested)
        with (
            _interruptible(),
            self._objects.local_copy(intent.workspace_id, intent.sha256) as path,
        ):
            analysis = self._tools.analyse(path)
        return CompleteAnalysis(
            analysis_id=intent.analysis_id,
            measurement=Measurement.model_validate(analysis.measurement.model_dump()),
            peaks=_keep(self._objects, intent.workspace_id, analysis.peaks, PEAKS_MEDIA_TYPE),
            run=intent.run,
            report=_keep(self._objects, intent.workspace_id, analysis.report, REPORT_MEDIA_TYPE),
        )

    def give_up(self, event: Recorded, error: Exception) -> Command:
        intent = event.data
        assert isinstance(intent, AnalysisRequested)
        # Ours are written for people; what else came may quote the file or a row.
        reason = str(error) if isinstance(error, NoCultureError) else type(error).__name__
        return FailAnalysisAttempt(
            analysis_id=intent.analysis_id,
            attempt=intent.attempt,
            code=getattr(error, "code", "analysis-failed"),
            reason=reason[:500],
        )


def rank(event: Recorded) -> int:
    """Whoever waits for a recording goes before the measuring again of a whole vault."""
    intent = event.data
    return int(isinstance(intent, AnalysisRequested) and intent.reanalysis_id is not None)


@contextmanager
def _interruptible() -> Iterator[None]:
    """A stop of this process says nothing about the file."""
    try:
        yield
    except AnalyserStopped as stopped:
        raise Interrupted from stopped


def _has_time(event: Recorded) -> bool:
    """Only the first look renders, and soon: a second one asks why the first gave no answer."""
    age_s = (datetime.now(UTC) - event.recorded_at).total_seconds()
    return isinstance(event.data, AssetUploaded) and age_s < RENDER_WITHIN_S


def _keep(objects: ObjectStore, workspace_id: str, data: bytes, media_type: str) -> Blob:
    sha256 = hashlib.sha256(data).hexdigest()
    objects.put_bytes(workspace_id, sha256, data)
    return Blob(sha256=sha256, size_bytes=len(data), media_type=media_type)
