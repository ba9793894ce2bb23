"""Comments: what somebody says of a moment in a recording."""

from __future__ import annotations

from events.ids import AccountId, AssetId, CommentId, WorkspaceId
from events.model import Event, Personal


class CommentAdded(Event, type="comment.added", version=1, subject="author_id"):
    """Somebody said something of a moment, or of a passage up to `end_s`."""

    comment_id: CommentId
    asset_id: AssetId
    workspace_id: WorkspaceId
    author_id: AccountId
    at_s: float
    end_s: float | None = None
    text: Personal[str]


class CommentEdited(Event, type="comment.edited", version=1, subject="author_id"):
    """Its author put it otherwise; the whole of what it says now."""

    comment_id: CommentId
    asset_id: AssetId
    workspace_id: WorkspaceId
    author_id: AccountId
    at_s: float
    end_s: float | None = None
    text: Personal[str]


class CommentResolved(Event, type="comment.resolved", version=1):
    """The comment is settled: what it asks for is done."""

    comment_id: CommentId
    asset_id: AssetId
    workspace_id: WorkspaceId
    resolved_by: AccountId


class CommentReopened(Event, type="comment.reopened", version=1):
    """The comment is open again: what it asks for is not done after all."""

    comment_id: CommentId
    asset_id: AssetId
    workspace_id: WorkspaceId
    reopened_by: AccountId


class CommentDeleted(Event, type="comment.deleted", version=1):
    """The comment was taken away: it is seen no more."""

    comment_id: CommentId
    asset_id: AssetId
    workspace_id: WorkspaceId
    deleted_by: AccountId
