"""Collections as their workspace sees them."""

from __future__ import annotations

from typing import Any

from events.envelope import Recorded
from events.vault.collection import CollectionChanged, CollectionCreated, CollectionDeleted
from projections.projection import Holds, Projection, Rows


class Collections(
    Projection, name="collections", version=2, categories=("collection",), holds=Holds.ENCRYPTED
):
    """One row per collection. Read by GET /api/collections, and by the vault's filter."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        match event.data:
            case CollectionCreated() as created:
                rows.upsert(
                    created.collection_id,
                    workspace_id=created.workspace_id,
                    kind=created.kind,
                    created_at=event.recorded_at,
                    **_said(event, created),
                )
            case CollectionChanged() as changed:
                rows.upsert(
                    changed.collection_id,
                    changed_at=event.recorded_at,
                    cover=changed.cover,
                    **_said(event, changed),
                )
            case CollectionDeleted() as deleted:
                rows.delete(deleted.collection_id)


def _said(event: Recorded, data: CollectionCreated | CollectionChanged) -> dict[str, Any]:
    envelope = event.envelope
    return {
        "version": event.stream_version,
        "assets": list(data.assets),
        "said_event": envelope.event_id,
        "said": envelope.data.decode(),
    }
