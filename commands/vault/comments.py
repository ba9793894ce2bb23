"""Comments at a moment of a recording: add, edit, resolve, reopen, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from aggregates.errors import NotFound
from aggregates.vault import asset, comment
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen, known
from commands.rules import Arguments, Rule
from commands.unit import Commands, Unit
from commands.vault.sharing import reach, while_shared
from events.access import OWN
from events.ids import AccountId, AssetId, CommentId
from events.store.pending import Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.text import Ref, Text
from schemas.vault.dto import ChangedComment

# No recording that we take is longer than a day.
Moment = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Said = Annotated[str, Text(2000, lines=True)]
# The right to do it with what somebody else said, for people of other workspaces.
_OF_OTHERS = {"edit": "comment", "resolve": "edit", "reopen": "edit", "delete": OWN}


class AddComment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at_s: Moment
    end_s: Moment | None = None
    text: Said


class EditComment(BaseModel):
    """Only the fields that are sent change; `end_s` null makes a passage a moment."""

    model_config = ConfigDict(extra="forbid")

    at_s: Moment = 0.0
    end_s: Moment | None = None
    text: Said = "-"


class Comments:
    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def add(
        self, caller: Caller, asset_id: str, command: AddComment, key: str | None = None
    ) -> Committed:
        """Also by whoever the recording is shared with for that. Raises NotFound (404),
        RightMissing (403), AssetInTrash (409), PassageEndsBeforeItBegins (422).
        """
        stream = known(AssetId, asset_id, "The asset")
        unit = self._commands.unit(
            command_context(caller, "POST /api/assets/{id}/comments", key),
            input={"asset_id": stream, **command.model_dump()},
        )
        if first := unit.once():
            return first
        recording = self._require_recording(unit, caller, stream, "comment", "The asset")
        comment_id = CommentId.new()
        unit.start(
            comment,
            comment_id,
            comment.add,
            asset_id=stream,
            workspace_id=recording.workspace_id,
            author_id=AccountId(caller.account_id),
            at_s=command.at_s,
            end_s=command.end_s,
            text=command.text,
        )
        return unit.commit()

    def edit(
        self,
        caller: Caller,
        comment_id: str,
        command: EditComment,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Raises NotFound (404), NotTheAuthor (403), PreconditionFailed (412)."""
        author_id, said = AccountId(caller.account_id), command.model_dump(exclude_unset=True)
        return self._change(
            caller,
            "edit",
            comment_id,
            comment.edit,
            expected_version,
            key,
            author_id=author_id,
            changes=said,
        )

    def resolve(
        self, caller: Caller, comment_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), PreconditionFailed (412)."""
        by = AccountId(caller.account_id)
        return self._change(
            caller, "resolve", comment_id, comment.resolve, expected_version, key, resolved_by=by
        )

    def reopen(
        self, caller: Caller, comment_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), PreconditionFailed (412)."""
        by = AccountId(caller.account_id)
        return self._change(
            caller, "reopen", comment_id, comment.reopen, expected_version, key, reopened_by=by
        )

    def delete(
        self, caller: Caller, comment_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), PreconditionFailed (412)."""
        by = AccountId(caller.account_id)
        return self._change(
            caller, "delete", comment_id, comment.delete, expected_version, key, deleted_by=by
        )

    def _change(
        self,
        caller: Caller,
        action: str,
        comment_id: str,
        decide: Rule[comment.Comment, CommentId, Arguments],
        expected_version: int | None,
        key: str | None,
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> Committed:
        """`action` goes into the ids of commands that are stored: never change one."""
        stream = known(CommentId, comment_id, "The comment")
        state: comment.Comment | None = self._commands.load(comment, stream, fresh=True).state
        if state is None:
            raise NotFound("The comment")
        unit = self._commands.unit(
            command_context(caller, f"{action} /api/comments/{{id}}", key),
            input={"comment_id": stream, "expected": expected_version, **said},
        )
        if first := unit.once():
            return first
        own = state.author_id == caller.account_id
        wanted = "comment" if own else _OF_OTHERS[action]
        self._require_recording(unit, caller, state.asset_id, wanted, "The comment")
        with as_seen(expected_version):
            unit.change_at(expected_version, comment, stream, decide, *args, **said)
            return unit.commit()

    def _require_recording(
        self, unit: Unit, caller: Caller, asset_id: AssetId, wanted: str, what: str
    ) -> asset.Asset:
        """Refuses words about a deleted recording, also if it is deleted, or shared no more, before
        the commit, and about one in the trash. What is said of a shared one belongs to its
        workspace.

        Raises NotFound (404), and so does the commit, RightMissing (403) and AssetInTrash (409).
        """
        found = self._commands.load(asset, asset_id, fresh=True).state
        recording = reach(caller, found, wanted, what)
        if recording.state == "deleted":
            raise NotFound(what)
        if recording.trash is not None:
            raise asset.AssetInTrash
        unit.belongs_to(recording.workspace_id)
        unit.while_held(asset.content_claim(recording.sha256), asset_id, NotFound(what))
        while_shared(unit, caller, asset_id, recording, what)
        return recording


def router(comments: Comments, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["comments"])
    writer = Depends(authenticated("assets:write"))
    changing = problems(401, 403, 404, 409, 412, 422, 428, 429, 503)

    @routes.post(
        "/api/assets/{asset_id}/comments",
        status_code=201,
        operation_id="addComment",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    def add_comment(
        asset_id: Ref,
        command: AddComment,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedComment:
        """Say something of a moment, or of a passage."""
        return _told(response, comments.add(caller, asset_id, command, key))

    @routes.patch("/api/comments/{comment_id}", operation_id="editComment", responses=changing)
    def edit_comment(
        comment_id: Ref,
        command: EditComment,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedComment:
        """Put it otherwise; only its author may."""
        committed = comments.edit(caller, comment_id, command, expected_version, key)
        return _told(response, committed)

    @routes.post(
        "/api/comments/{comment_id}/resolve", operation_id="resolveComment", responses=changing
    )
    def resolve_comment(
        comment_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedComment:
        """Settles the comment: what it asks for is done."""
        return _told(response, comments.resolve(caller, comment_id, expected_version, key))

    @routes.post(
        "/api/comments/{comment_id}/reopen", operation_id="reopenComment", responses=changing
    )
    def reopen_comment(
        comment_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedComment:
        """Opens the comment again: what it asks for is not done after all."""
        return _told(response, comments.reopen(caller, comment_id, expected_version, key))

    @routes.delete(
        "/api/comments/{comment_id}",
        status_code=204,
        operation_id="deleteComment",
        responses=changing,
    )
    def delete_comment(
        comment_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Take a comment away."""
        answer(response, comments.delete(caller, comment_id, expected_version, key))

    return routes


def _told(response: Response, committed: Committed) -> ChangedComment:
    answer(response, committed, with_etag=True)
    return ChangedComment(id=committed.stream_id, version=committed.stream_version)
