"""What happened, workspace by workspace and asset by asset."""

from __future__ import annotations

from events.envelope import Recorded
from events.ids import AssetId
from projections.projection import Projection, Rows

# These streams belong one to one to an asset and share its hex (`Id.beside`).
_OF_AN_ASSET = frozenset({"asset", "analysis", "ingest"})


class Timeline(
    Projection,
    name="timeline",
    version=1,
    categories=("account", "analysis", "asset", "ingest", "key", "operation", "workspace"),
):
    """One row per event. Read by GET /api/assets/{id}/events, GET /api/events and the export."""

    # A history is read by people: a batch of all categories for each event is work for nobody.
    rest_s = 0.02

    def fold(self, rows: Rows, event: Recorded) -> None:
        envelope = event.envelope
        of_asset = envelope.category in _OF_AN_ASSET
        rows.upsert(
            envelope.position,
            asset_id=AssetId.beside(envelope.stream_id) if of_asset else None,
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
