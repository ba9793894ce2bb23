"""The events of one asset's life, for specifications of views."""

from __future__ import annotations

from events.ids import AccountId, AnalysisId, AssetId, WorkspaceId
from events.vault.analysis import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.vault.asset import (
    AssetDeleted,
    AssetFileRewritten,
    AssetTagsEdited,
    AssetUploaded,
    AssetVerified,
)
from events.vault.audio import AudioFacts, Blob, Measurement, Tags, TempoCandidate

ASSET, WORKSPACE, ACCOUNT = AssetId.new(), WorkspaceId.new(), AccountId.new()
ANALYSIS = AnalysisId.beside(ASSET)
SHA = "a" * 64

uploaded = AssetUploaded(
    asset_id=ASSET,
    workspace_id=WORKSPACE,
    uploaded_by=ACCOUNT,
    filename="Night Drive.flac",
    sha256=SHA,
    size_bytes=1000,
)
verified = AssetVerified(
    asset_id=ASSET,
    workspace_id=WORKSPACE,
    owner_id=ACCOUNT,
    sha256=SHA,
    tags=Tags(title="Night Drive", genre="House", tempo_bpm=124.0),
    audio=AudioFacts(
        duration_s=30.5, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=900_000
    ),
    cover=Blob(sha256="c" * 64, size_bytes=10, media_type="image/png"),
)
rewritten = AssetFileRewritten(
    asset_id=ASSET,
    workspace_id=WORKSPACE,
    rewritten_by=ACCOUNT,
    sha256="b" * 64,
    size_bytes=1100,
    previous_sha256=SHA,
    original_sha256=SHA,
    original_size_bytes=1000,
    written=("title",),
    tags=Tags(title="Night Drive II", genre="House", tempo_bpm=124.0),
)
requested = AnalysisRequested(
    analysis_id=ANALYSIS,
    asset_id=ASSET,
    workspace_id=WORKSPACE,
    sha256=SHA,
    attempt=1,
)
completed = AnalysisCompleted(
    analysis_id=ANALYSIS,
    asset_id=ASSET,
    workspace_id=WORKSPACE,
    measurement=Measurement(
        tempo_bpm=123.9,
        tempo_candidates=(TempoCandidate(bpm=123.9, confidence=0.8),),
        key="A minor",
        key_confidence=0.7,
        loudness_lufs=-9.0,
        true_peak_dbtp=-0.3,
        energy=0.6,
        analyser="essentia",
        analyser_version=1,
    ),
    peaks=Blob(sha256="b" * 64, size_bytes=20, media_type="application/vnd.noculture.peaks"),
)
failed = AnalysisFailed(
    analysis_id=ANALYSIS, asset_id=ASSET, workspace_id=WORKSPACE, code="timeout", reason="Too slow"
)
deleted = AssetDeleted(asset_id=ASSET, workspace_id=WORKSPACE, deleted_by=ACCOUNT, sha256=SHA)


def edited(**changes: object) -> AssetTagsEdited:
    return AssetTagsEdited(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        owner_id=ACCOUNT,
        edited_by=ACCOUNT,
        changed=tuple(sorted(changes)),
        tags=Tags.model_validate(changes),
    )
