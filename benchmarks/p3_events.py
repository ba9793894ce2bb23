"""A log to publish: the lives of recordings in the categories and sizes the product writes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import psycopg

from events.ids import (
    AccountId,
    AnalysisId,
    AssetId,
    CommandId,
    CorrelationId,
    EventId,
    WorkspaceId,
)
from events.model import Event
from events.saga_step import SagaInput
from events.store.pending import Append, Committed, PendingEvent
from events.store.postgres import append_in
from events.times import utc_now
from events.vault.analysis import AnalysisCompleted, AnalysisRequested
from events.vault.asset import AssetTagsEdited, AssetUploaded
from events.vault.audio import Blob, Measurement, Tags
from events.vault.ingest import IngestStepped

EVENTS_A_LIFE = 5
LIVES_AT_ONCE = 400


def fill(url: str, events: int, seed: int) -> None:
    """Append `events` events, a multiple of EVENTS_A_LIFE, many lives in one transaction."""
    todo = appends(events // EVENTS_A_LIFE, seed)
    with psycopg.connect(url, autocommit=True) as connection:
        while group := list(islice(todo, LIVES_AT_ONCE)):
            with connection.transaction():
                verdicts = append_in(connection, group)
            assert all(isinstance(verdict, Committed) for verdict in verdicts), verdicts[:1]


def appends(count: int, seed: int, events_each: int = EVENTS_A_LIFE) -> Iterator[Append]:
    """One new recording each, with the first `events_each` events of its life."""
    chance = random.Random(seed)  # noqa: S311
    workspaces = [(WorkspaceId.new(), AccountId.new()) for _ in range(20)]
    for number in range(count):
        workspace, account = chance.choice(workspaces)
        sha256 = f"{chance.getrandbits(256):064x}"
        life = _life(workspace, account, sha256, f"{number} take.wav", chance)[:events_each]
        versions: dict[str, int] = {}
        pending = []
        for stream_id, event in life:
            versions[stream_id] = versions.get(stream_id, 0) + 1
            pending.append(_pending(stream_id, versions[stream_id], event))
        yield Append(
            command_id=CommandId.new(),
            input_hash=bytes.fromhex(sha256),
            actor=account,
            tenant=workspace,
            correlation_id=CorrelationId.new(),
            causation_id=None,
            events=tuple(pending),
        )


def _life(
    workspace: WorkspaceId, account: AccountId, sha256: str, filename: str, chance: random.Random
) -> list[tuple[str, Event]]:
    """(stream id, event), in order."""
    asset = AssetId.new()
    analysis = AnalysisId.beside(asset)
    ids = {"asset_id": asset, "workspace_id": workspace}
    tempo_bpm = round(chance.uniform(60, 180), 2)
    measured = Measurement(
        tempo_bpm=tempo_bpm,
        tempo_candidates=(),
        key="A minor",
        key_confidence=0.8,
        loudness_lufs=-11.2,
        true_peak_dbtp=-0.7,
        energy=0.61,
        analyser="essentia",
        analyser_version=1,
    )
    peaks = Blob(sha256=sha256, size_bytes=48_211, media_type="application/octet-stream")
    step = IngestStepped(
        input=SagaInput(kind="event", name="asset.uploaded", reference=EventId.new()),
        state="verifying",
        memory={"asset_id": asset, "sha256": sha256},
        sent=(),
        timers=(),
    )
    uploaded = AssetUploaded(
        **ids, uploaded_by=account, filename=filename, sha256=sha256, size_bytes=31_000_000
    )
    requested = AnalysisRequested(**ids, analysis_id=analysis, sha256=sha256, attempt=1)
    completed = AnalysisCompleted(**ids, analysis_id=analysis, measurement=measured, peaks=peaks)
    tags = Tags(title=filename, artist="Ana", tempo_bpm=tempo_bpm)
    edited = AssetTagsEdited(
        **ids, owner_id=account, edited_by=account, changed=("title", "artist"), tags=tags
    )
    return [
        (asset, uploaded),
        (f"ing_{asset[4:]}", step),
        (analysis, requested),
        (analysis, completed),
        (asset, edited),
    ]


def _pending(stream_id: str, stream_version: int, event: Event) -> PendingEvent:
    return PendingEvent(
        event_id=EventId.new(),
        stream_id=stream_id,
        stream_version=stream_version,
        category=event.category,
        type=event.type,
        version=event.version,
        effective_at=utc_now(),
        data=event.model_dump_json().encode(),
    )
