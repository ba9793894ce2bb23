"""Marks in the head of a track's page: only what differs from what was shown is said."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.mark_changes import MarkChanges
from kit.caller import Caller
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, remember


class NoSuchMark(NoCultureError):
    status, code = 422, "no-such-mark"

    def __init__(self) -> None:
        super().__init__("A track cannot have this mark: go back and choose one of those shown")


def router(tools: VaultTools, visitors: Visitors) -> APIRouter:
    routes = APIRouter()

    @routes.post("/assets/{asset_id}/marks")
    def mark(
        request: Request,
        asset_id: Ref,
        caller: Annotated[Caller, Depends(visitors.with_token)],
        shown: Annotated[Typed, Form()] = "",
        status: Annotated[Typed, Form()] = "",
        rating: Annotated[Typed, Form()] = "0",
        colour: Annotated[Typed, Form()] = "",
    ) -> Response:
        try:
            changes = MarkChanges.model_validate(changes_of(shown, status, rating, colour))
        except ValidationError as error:
            raise NoSuchMark from error
        # At any version: marks are the owner's alone, and other changes leave them as they are.
        committed = tools.marks.mark(caller, asset_id, changes, None)
        response = RedirectResponse(f"/assets/{asset_id}", 303)
        remember(request, response, committed.position)
        return response

    return routes


def changes_of(shown: str, status: str, rating: str, colour: str) -> dict[str, Any]:
    """`shown` are the three as the form was made with, with commas between them."""
    before = shown.split(",")
    if len(before) != 3:
        before = ["", "0", ""]
    said: dict[str, Any] = {"status": status or None, "rating": rating, "colour": colour or None}
    now = zip(said, (status, rating, colour), before, strict=True)
    return {name: said[name] for name, chosen, was in now if chosen != was}
