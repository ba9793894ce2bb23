"""The history of each workspace and of each asset, event by event."""

from __future__ import annotations

from collections.abc import Iterable

from events.envelope import Recorded
from events.ids import AssetId
from events.vault.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)
from projections.projection import Holds, Projection, Rows

# These streams belong one to one to an asset and share its hex (`Id.beside`).
_OF_AN_ASSET = frozenset({"asset", "analysis", "ingest"})


class Timeline(
    Projection,
    name="timeline",
    version=3,
    categories=(),
    holds=Holds.ENCRYPTED,
):
    """One row per event of the categories that areas say are told. Read by
    GET /api/assets/{id}/events, GET /api/events and the export.
    """

    # People read a history: they do not notice 20 ms, in which many events make one batch.
    rest_s = 0.02

    def __init__(self, told: Iterable[str]) -> None:
        self.categories = tuple(sorted(told))

    def fold(self, rows: Rows, event: Recorded) -> None:
        envelope = event.envelope
        rows.upsert(
            envelope.position,
            asset_id=_asset_of(event),
            event_id=envelope.event_id,
            stream_id=envelope.stream_id,
            stream_version=envelope.stream_version,
            category=envelope.category,
            type=envelope.type,
            version=envelope.version,
            recorded_at=envelope.recorded_at,
            effective_at=envelope.effective_at,
            actor=envelope.actor,
            tenant=envelope.tenant,
            correlation_id=envelope.correlation_id,
            causation_id=envelope.causation_id,
            command_id=envelope.command_id,
            hash=envelope.hash.hex(),
            data=envelope.data.decode(),
        )


def _asset_of(event: Recorded) -> AssetId | None:
    match event.data:
        case (
            CommentAdded()
            | CommentEdited()
            | CommentResolved()
            | CommentReopened()
            | CommentDeleted()
        ):
            return event.data.asset_id
    envelope = event.envelope
    return AssetId.beside(envelope.stream_id) if envelope.category in _OF_AN_ASSET else None
