"""The read model of P4: one row per analysis with its last failed attempt; its events, and the
library's own way to the same rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection as LibraryProjection
from psycopg.sql import SQL

from events.envelope import Recorded
from events.ids import AnalysisId, AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.store.pending import Append, Committed, PendingEvent
from events.store.postgres import append_in
from events.times import utc_now
from events.vault.analysis import AnalysisAttemptFailed
from projections.projection import Holds, Projection, Rows

EVENTS_A_STREAM = 10
# So many streams live at the same time; their events interleave at random.
STREAMS_AT_ONCE = 200
EVENTS_AT_ONCE = 2_000
WORKSPACE = WorkspaceId.new()
REASON = "The analysis did not finish in time."


class Attempts(
    Projection, name="attempts", version=1, categories=("analysis",), holds=Holds.NOTHING_PERSONAL
):
    """One row per analysis."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        match event.data:
            case AnalysisAttemptFailed() as data:
                rows.upsert(
                    data.analysis_id,
                    asset_id=data.asset_id,
                    workspace_id=data.workspace_id,
                    attempt=data.attempt,
                    code=data.code,
                    reason=data.reason,
                    failed_at=event.recorded_at,
                )


# The product's own read models are those that stay registered.
del Projection.registered["attempts"]


def fill(url: str, count: int, seed: int) -> None:
    todo = _events(count, random.Random(seed))  # noqa: S311
    with psycopg.connect(url, autocommit=True) as connection:
        while group := list(islice(todo, EVENTS_AT_ONCE)):
            with connection.transaction():
                verdict = append_in(connection, [_append(group)])[0]
            assert isinstance(verdict, Committed), verdict


def _events(count: int, chance: random.Random) -> Iterator[PendingEvent]:
    """Ten a stream, of streams that are open at the same time."""
    versions: dict[AssetId, int] = {}
    for _ in range(count):
        while len(versions) < STREAMS_AT_ONCE:
            versions[AssetId.new()] = 0
        asset = chance.choice(tuple(versions))
        versions[asset] += 1
        yield _failed(asset, versions[asset])
        if versions[asset] == EVENTS_A_STREAM:
            del versions[asset]


def _append(events: Sequence[PendingEvent]) -> Append:
    return Append(
        command_id=CommandId.new(),
        input_hash=b"benchmark",
        actor=None,
        tenant=WORKSPACE,
        correlation_id=CorrelationId.new(),
        causation_id=None,
        events=tuple(events),
    )


def _failed(asset: AssetId, attempt: int) -> PendingEvent:
    analysis = AnalysisId.beside(asset)
    failed = AnalysisAttemptFailed(
        analysis_id=analysis,
        asset_id=asset,
        workspace_id=WORKSPACE,
        attempt=attempt,
        code="timed-out",
        reason=REASON,
    )
    return PendingEvent(
        event_id=EventId.new(),
        stream_id=analysis,
        stream_version=attempt,
        category=failed.category,
        type=failed.type,
        version=failed.version,
        effective_at=utc_now(),
        data=failed.model_dump_json().encode(),
    )


class Analysis(Aggregate):
    """The same event as the library writes it."""

    @event("Started")
    def __init__(self, asset_id: str, workspace_id: str) -> None:
        self.asset_id, self.workspace_id = asset_id, workspace_id

    @event("AttemptFailed")
    def fail(self, asset_id: str, workspace_id: str, attempt: int, code: str, reason: str) -> None:
        self.attempt = attempt


class Analyses(Application[Any]):
    """Holds the peer's log."""

    def write(self, streams: int) -> None:
        workspace = str(WorkspaceId.new())
        for _ in range(streams):
            asset = str(AssetId.new())
            analysis = Analysis(asset, workspace)
            for attempt in range(1, EVENTS_A_STREAM):
                analysis.fail(asset, workspace, attempt, "timed-out", REASON)
            self.save(analysis)


class LibraryAttempts(PostgresTrackingRecorder):
    """The same table, row and tracking written in one transaction, as its documentation does."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements.append(
            SQL(
                "CREATE TABLE IF NOT EXISTS public.attempts (analysis_id uuid PRIMARY KEY,"
                " asset_id text, workspace_id text, attempt integer, code text, reason text,"
                " failed_at timestamptz)"
            )
        )

    def put(self, failed: Any, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO public.attempts VALUES (%s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (analysis_id) DO UPDATE SET (attempt, code, reason, failed_at)"
                " = (EXCLUDED.attempt, EXCLUDED.code, EXCLUDED.reason, EXCLUDED.failed_at)",
                (
                    failed.originator_id,
                    failed.asset_id,
                    failed.workspace_id,
                    failed.attempt,
                    failed.code,
                    failed.reason,
                    failed.timestamp,
                ),
            )


class LibraryAttemptsProjection(LibraryProjection[LibraryAttempts]):
    """One transaction an event: how its ProjectionRunner works."""

    name = "attempts"
    topics: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]
    processed = 0

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if isinstance(domain_event, Analysis.AttemptFailed):  # type: ignore[attr-defined]
            self.view.put(domain_event, tracking)
        else:
            self.view.insert_tracking(tracking)
        type(self).processed += 1
