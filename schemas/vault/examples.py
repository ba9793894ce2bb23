"""Examples of the vault's events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from events.ids import (
    AccountId,
    AnalysisId,
    AssetId,
    CollectionId,
    CommandId,
    CommentId,
    EventId,
    IngestId,
    ReanalysisId,
)
from events.model import Event
from events.saga_step import SagaInput, SentCommand, SetTimer
from events.times import to_micros
from events.vault.analysis import (
    AnalysisAttemptFailed,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.vault.asset import (
    AssetArtworkRemoved,
    AssetArtworkSet,
    AssetCurrentChosen,
    AssetDeleted,
    AssetFileRewritten,
    AssetMarked,
    AssetProbeRequested,
    AssetRejected,
    AssetRestored,
    AssetShared,
    AssetSongChosen,
    AssetTagsEdited,
    AssetTrashed,
    AssetUnshared,
    AssetUploaded,
    AssetVerified,
)
from events.vault.audio import AudioFacts, Blob, Measurement, Tags, TempoCandidate
from events.vault.collection import CollectionChanged, CollectionCreated, CollectionDeleted
from events.vault.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)
from events.vault.emptying import EmptyingStepped
from events.vault.ingest import IngestStepped
from events.vault.reanalysing import ReanalysingStepped
from events.vault.reanalysis import (
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisListed,
    ReanalysisRequested,
)
from events.vault.remeasuring import RemeasuringStepped
from schemas.examples import ACCOUNT, WORKSPACE, fixed

ASSET = fixed(AssetId)
ANOTHER = fixed(AccountId, 2)
ANALYSIS = AnalysisId.beside(ASSET)
COLLECTION = fixed(CollectionId)
COMMENT = fixed(CommentId)
INGEST = IngestId.beside(ASSET)
REANALYSIS = fixed(ReanalysisId)
SHA256 = "9f" * 32
IN_TRASH_UNTIL = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
FILENAME = "Ada Okoye - Night Bus.flac"
TAGS = Tags(title="Night Bus", artist="Ada Okoye", year=2024, genre="House", track=1)
FACTS = AudioFacts(
    duration_s=211.4, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=912000
)
COVER = Blob(sha256="c0" * 32, size_bytes=48211, media_type="image/jpeg")
PEAKS = Blob(sha256="be" * 32, size_bytes=18244, media_type="application/vnd.noculture.peaks")
MEASUREMENT = Measurement(
    tempo_bpm=124.0,
    tempo_candidates=(
        TempoCandidate(bpm=124.0, confidence=0.91),
        TempoCandidate(bpm=62.0, confidence=0.4),
    ),
    key="A minor",
    key_confidence=0.82,
    loudness_lufs=-9.1,
    true_peak_dbtp=-0.3,
    energy=0.7,
    analyser="essentia",
    analyser_version=1,
)

_OF_ASSET: dict[str, Any] = {"asset_id": ASSET, "workspace_id": WORKSPACE}
_OF_ANALYSIS: dict[str, Any] = {"analysis_id": ANALYSIS, **_OF_ASSET}
_FILE: dict[str, Any] = {"sha256": SHA256}
_OF_COMMENT: dict[str, Any] = {"comment_id": COMMENT, **_OF_ASSET}
_NAMED_FILE: dict[str, Any] = {**_FILE, "filename": FILENAME}
_OF_REANALYSIS: dict[str, Any] = {"reanalysis_id": REANALYSIS, "workspace_id": WORKSPACE}
_NO_TEMPO = {"code": "timed-out", "reason": "The analysis did not finish in time."}

EXAMPLES: tuple[Event, ...] = (
    CollectionCreated(
        collection_id=COLLECTION,
        workspace_id=WORKSPACE,
        owner_id=ACCOUNT,
        kind="smart",
        name="For Friday",
        query="q=dark+techno&tempo_min=130",
    ),
    CollectionChanged(
        collection_id=COLLECTION,
        workspace_id=WORKSPACE,
        changed_by=ACCOUNT,
        name="For Friday night",
        query="q=dark+techno&tempo_min=135",
    ),
    CollectionDeleted(collection_id=COLLECTION, workspace_id=WORKSPACE, deleted_by=ACCOUNT),
    CommentAdded(
        **_OF_COMMENT, author_id=ACCOUNT, at_s=62.4, end_s=70.0, text="The snare is late here"
    ),
    CommentEdited(**_OF_COMMENT, author_id=ACCOUNT, at_s=62.4, text="The snare is 20 ms late here"),
    CommentResolved(**_OF_COMMENT, resolved_by=ACCOUNT),
    CommentReopened(**_OF_COMMENT, reopened_by=ACCOUNT),
    CommentDeleted(**_OF_COMMENT, deleted_by=ACCOUNT),
    AssetUploaded(**_OF_ASSET, **_NAMED_FILE, uploaded_by=ACCOUNT, size_bytes=24_117_248),
    AssetProbeRequested(**_OF_ASSET, **_FILE, attempt=2),
    AssetVerified(
        **_OF_ASSET,
        **_FILE,
        owner_id=ACCOUNT,
        tags=TAGS,
        audio=FACTS,
        cover=COVER,
        playable=True,
        peaks=PEAKS,
    ),
    AssetRejected(
        **_OF_ASSET,
        code="no-audio",
        reason="There is no sound in this file. Export it as WAV or FLAC and upload that.",
    ),
    AssetTagsEdited(
        **_OF_ASSET,
        owner_id=ACCOUNT,
        edited_by=ACCOUNT,
        changed=("album", "title"),
        tags=Tags(title="Night Bus II"),
    ),
    AssetShared(**_OF_ASSET, account_id=ANOTHER, right="comment", shared_by=ACCOUNT),
    AssetUnshared(**_OF_ASSET, account_id=ANOTHER, unshared_by=ACCOUNT),
    AssetFileRewritten(
        **_OF_ASSET,
        rewritten_by=ACCOUNT,
        sha256="7e" * 32,
        size_bytes=24_110_372,
        previous_sha256=SHA256,
        original_sha256=SHA256,
        original_size_bytes=24_107_991,
        written=("genre", "isrc"),
        left_out=("isrc",),
        tags=TAGS,
    ),
    AssetMarked(**_OF_ASSET, marked_by=ACCOUNT, status="to-finish", rating=4, colour="teal"),
    AssetArtworkSet(
        **_OF_ASSET,
        set_by=ACCOUNT,
        picture=Blob(sha256="a1" * 32, size_bytes=310_402, media_type="image/jpeg"),
        small=Blob(sha256="a2" * 32, size_bytes=18_211, media_type="image/jpeg"),
        width=1500,
        height=1500,
    ),
    AssetArtworkRemoved(**_OF_ASSET, removed_by=ACCOUNT),
    AssetTrashed(**_OF_ASSET, trashed_by=ACCOUNT, until=IN_TRASH_UNTIL),
    AssetRestored(**_OF_ASSET, restored_by=ACCOUNT),
    AssetSongChosen(**_OF_ASSET, owner_id=ACCOUNT, chosen_by=ACCOUNT, song="night bus / ada okoye"),
    AssetCurrentChosen(**_OF_ASSET, chosen_by=ACCOUNT, current=True),
    AssetDeleted(**_OF_ASSET, deleted_by=ACCOUNT, sha256=SHA256),
    AnalysisRequested(**_OF_ANALYSIS, **_FILE, attempt=1),
    AnalysisCompleted(**_OF_ANALYSIS, measurement=MEASUREMENT, peaks=PEAKS),
    AnalysisAttemptFailed(**_OF_ANALYSIS, **_NO_TEMPO, attempt=1),
    AnalysisFailed(**_OF_ANALYSIS, **_NO_TEMPO),
    ReanalysisRequested(
        **_OF_REANALYSIS, requested_by=ACCOUNT, total=2, batches=1, analyser_version_below=3
    ),
    ReanalysisListed(**_OF_REANALYSIS, number=0, asset_ids=(ASSET, fixed(AssetId, 2))),
    ReanalysisBatchStarted(
        **_OF_REANALYSIS, number=0, asked=1, passed_over=1, passed_over_so_far=1
    ),
    ReanalysisCompleted(**_OF_REANALYSIS, measured=1, failed=0, passed_over=1),
    ReanalysisCancelled(**_OF_REANALYSIS, cancelled_by=ACCOUNT),
    ReanalysingStepped(
        input=SagaInput(kind="event", name="reanalysis.requested", reference=fixed(EventId)),
        state="Feeding",
        memory={"reanalysis_id": REANALYSIS, "batches": 1, "wanted": 1},
        sent=(
            SentCommand(
                command_id=fixed(CommandId),
                name="StartReanalysisBatch",
                body={"reanalysis_id": REANALYSIS, "number": 0},
            ),
        ),
        timers=(SetTimer(token="look", delay_s=86400.0),),  # noqa: S106 - a timer
    ),
    RemeasuringStepped(
        input=SagaInput(kind="event", name="analysis.requested", reference=fixed(EventId)),
        state="Measuring",
        memory={"run": 2, "attempt": 2, "tries": 1, **_OF_ASSET, **_FILE},
        sent=(),
        timers=(SetTimer(token="analysis", delay_s=86400.0),),  # noqa: S106 - a timer
    ),
    EmptyingStepped(
        input=SagaInput(kind="event", name="asset.trashed", reference=fixed(EventId)),
        state="InTrash",
        memory={"asset_id": ASSET, "until_micros": to_micros(IN_TRASH_UNTIL)},
        sent=(),
        timers=(SetTimer(token="empty", delay_s=0, at="2026-01-31T12:00:00.000000Z"),),  # noqa: S106 - a timer
    ),
    IngestStepped(
        input=SagaInput(kind="event", name="asset.verified", reference=fixed(EventId)),
        state="Analysing",
        memory={"attempt": 1, **_OF_ASSET, **_FILE},
        sent=(
            SentCommand(
                command_id=fixed(CommandId),
                name="RequestAnalysis",
                body={**_OF_ASSET, **_FILE},
            ),
        ),
        timers=(SetTimer(token="analysis", delay_s=1800.0),),  # noqa: S106 - a timer
    ),
)
