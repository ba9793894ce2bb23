"""Comments on a track's page: forms that work without scripts."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.comments import AddComment, EditComment
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web import looks
from web.forms import Typed, Version
from web.pages.vault.tools import VaultTools
from web.visitor import RepeatKey, Visitors, remember

LONGEST = 2000


class NotAComment(NoCultureError):
    status, code = 422, "not-a-comment"

    def __init__(self, unkept: str | None = None) -> None:
        super().__init__(
            unkept
            or f"A comment has a text of up to {LONGEST} characters and a moment such as 1:23.5:"
            " complete the comment and send it again"
        )


def router(tools: VaultTools, visitors: Visitors) -> APIRouter:
    routes = APIRouter()
    Author = Annotated[Caller, Depends(visitors.with_token)]

    @routes.post("/assets/{asset_id}/comments")
    def add(
        request: Request,
        asset_id: Ref,
        caller: Author,
        key: RepeatKey,
        text: Annotated[Typed, Form()] = "",
        at: Annotated[Typed, Form()] = "0:00",
        until: Annotated[Typed, Form()] = "",
    ) -> Response:
        try:
            said = AddComment(
                at_s=looks.seconds(at), end_s=looks.seconds(until) if until else None, text=text
            )
        except ValueError as error:
            raise NotAComment(refusal(error)) from error
        committed = tools.comments.add(caller, asset_id, said, key)
        return _back(request, asset_id, committed.position)

    @routes.post("/comments/{comment_id}")
    def change(
        request: Request,
        comment_id: Ref,
        caller: Author,
        key: RepeatKey,
        version: Version,
        action: Annotated[Typed, Form()] = "edit",
        text: Annotated[Typed, Form()] = "",
    ) -> Response:
        """`action` is edit, resolve, reopen or delete."""
        asset_id = tools.said.get(caller, comment_id).asset_id
        changing = tools.comments
        try:
            match action:
                case "resolve":
                    committed = changing.resolve(caller, comment_id, version, key)
                case "reopen":
                    committed = changing.reopen(caller, comment_id, version, key)
                case "delete":
                    committed = changing.delete(caller, comment_id, version, key)
                case _:
                    edited = EditComment(text=text)
                    committed = changing.edit(caller, comment_id, edited, version, key)
        except ValidationError as error:
            raise NotAComment(refusal(error)) from error
        except PreconditionFailed:
            # Somebody changed the comment first: the page shows what it says now.
            return RedirectResponse(f"/assets/{asset_id}?tab=notes&done=changed#comments", 303)
        return _back(request, asset_id, committed.position)

    return routes


def _back(request: Request, asset_id: str, position: int) -> Response:
    response = RedirectResponse(f"/assets/{asset_id}?tab=notes#comments", 303)
    remember(request, response, position)
    return response
