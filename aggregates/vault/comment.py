"""Rules of one comment: its author may change it, everybody in the workspace may settle it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, CommentId, WorkspaceId
from events.model import Event
from events.vault.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)

STORED_AS = "aggregates.comment"


class NotTheAuthor(NoCultureError):
    status, code = 403, "not-the-author"

    def __init__(self) -> None:
        super().__init__("Only the author can change a comment: add a comment of your own")


class PassageEndsBeforeItBegins(NoCultureError):
    status, code = 422, "passage-ends-before-it-begins"

    def __init__(self) -> None:
        super().__init__("The passage ends before it begins: send an end_s that is behind at_s")


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` is None once its author was erased."""

    asset_id: AssetId
    workspace_id: WorkspaceId
    author_id: AccountId
    at_s: float
    end_s: float | None
    text: str | None
    resolved: bool = False
    deleted: bool = False


def add(
    nothing: Comment | None,
    comment_id: CommentId,
    *,
    asset_id: AssetId,
    workspace_id: WorkspaceId,
    author_id: AccountId,
    at_s: float,
    end_s: float | None,
    text: str,
) -> Decision:
    """Say something of a moment. Refuses PassageEndsBeforeItBegins (422)."""
    if nothing is not None:
        raise AlreadyExists("The comment")
    _check_passage(at_s, end_s)
    return Decision(
        CommentAdded(
            comment_id=comment_id,
            asset_id=asset_id,
            workspace_id=workspace_id,
            author_id=author_id,
            at_s=at_s,
            end_s=end_s,
            text=text,
        )
    )


def edit(
    comment: Comment | None,
    comment_id: CommentId,
    *,
    author_id: AccountId,
    changes: dict[str, object],
) -> Decision:
    """Put it otherwise: `changes` holds any of at_s, end_s, text.

    Refuses NotTheAuthor (403). Saying the same again changes nothing.
    """
    comment = _existing(comment)
    if comment.author_id != author_id:
        raise NotTheAuthor
    edited = replace(comment, **changes)  # type: ignore[arg-type]
    if edited == comment:
        return Decision()
    _check_passage(edited.at_s, edited.end_s)
    return Decision(
        CommentEdited(
            comment_id=comment_id,
            asset_id=comment.asset_id,
            workspace_id=comment.workspace_id,
            author_id=author_id,
            at_s=edited.at_s,
            end_s=edited.end_s,
            text=edited.text,
        )
    )


def resolve(comment: Comment | None, comment_id: CommentId, *, resolved_by: AccountId) -> Decision:
    """Settle the comment; a second time changes nothing."""
    comment = _existing(comment)
    if comment.resolved:
        return Decision()
    return Decision(
        CommentResolved(
            comment_id=comment_id,
            asset_id=comment.asset_id,
            workspace_id=comment.workspace_id,
            resolved_by=resolved_by,
        )
    )


def reopen(comment: Comment | None, comment_id: CommentId, *, reopened_by: AccountId) -> Decision:
    """Open the comment again; an open one stays as it is."""
    comment = _existing(comment)
    if not comment.resolved:
        return Decision()
    return Decision(
        CommentReopened(
            comment_id=comment_id,
            asset_id=comment.asset_id,
            workspace_id=comment.workspace_id,
            reopened_by=reopened_by,
        )
    )


def delete(comment: Comment | None, comment_id: CommentId, *, deleted_by: AccountId) -> Decision:
    """Take it away."""
    comment = _existing(comment)
    return Decision(
        CommentDeleted(
            comment_id=comment_id,
            asset_id=comment.asset_id,
            workspace_id=comment.workspace_id,
            deleted_by=deleted_by,
        )
    )


def evolve(comment: Comment | None, event: Event) -> Comment | None:
    match event:
        case CommentAdded():
            return Comment(
                event.asset_id,
                event.workspace_id,
                event.author_id,
                event.at_s,
                event.end_s,
                event.text,
            )
        case _ if comment is None:
            return None
        case CommentEdited():
            return replace(comment, at_s=event.at_s, end_s=event.end_s, text=event.text)
        case CommentResolved() | CommentReopened():
            return replace(comment, resolved=isinstance(event, CommentResolved))
        case CommentDeleted():
            return replace(comment, deleted=True)
        case _:
            return comment


def _check_passage(at_s: float, end_s: float | None) -> None:
    if end_s is not None and end_s <= at_s:
        raise PassageEndsBeforeItBegins


def _existing(comment: Comment | None) -> Comment:
    if comment is None or comment.deleted:
        raise NotFound("The comment")
    return comment
