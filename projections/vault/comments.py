"""Comments on recordings, by the moment they are about."""

from __future__ import annotations

from typing import Any

from events.envelope import Recorded
from events.vault.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)
from projections.projection import Holds, Projection, Rows


class Comments(
    Projection, name="comments", version=1, categories=("comment",), holds=Holds.ENCRYPTED
):
    """One row per comment. Read by GET /api/assets/{id}/comments and the track's page."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        data, version = event.data, event.stream_version
        match data:
            case CommentAdded():
                rows.upsert(
                    data.comment_id,
                    asset_id=data.asset_id,
                    workspace_id=data.workspace_id,
                    author_id=data.author_id,
                    version=version,
                    added_at=event.recorded_at,
                    **_said(event, data),
                )
            case CommentEdited():
                edited_at = event.recorded_at
                rows.upsert(
                    data.comment_id, version=version, edited_at=edited_at, **_said(event, data)
                )
            case CommentResolved():
                rows.upsert(
                    data.comment_id,
                    version=version,
                    resolved_at=event.recorded_at,
                    resolved_by=data.resolved_by,
                )
            case CommentReopened():
                rows.upsert(data.comment_id, version=version, resolved_at=None, resolved_by=None)
            case CommentDeleted():
                rows.delete(data.comment_id)


def _said(event: Recorded, data: CommentAdded | CommentEdited) -> dict[str, Any]:
    envelope = event.envelope
    return {
        "at_s": data.at_s,
        "end_s": data.end_s,
        "said_event": envelope.event_id,
        "said": envelope.data.decode(),
    }
