"""One click instead of a measurement: what the musician says counts, and can be taken back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.tag_changes import TagChanges
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed, Version
from web.pages.vault.marks import edit_as_seen
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, remember

FIELDS = ("tempo_bpm", "key", "genre", "energy", "danceability", "valence")


class NothingThatCanBeSaid(NoCultureError):
    status, code = 422, "nothing-that-can-be-said"

    def __init__(self) -> None:
        super().__init__("A track cannot have this value: go back and choose one of the buttons")


def router(tools: VaultTools, visitors: Visitors) -> APIRouter:
    routes = APIRouter()

    @routes.post("/assets/{asset_id}/said")
    def say(
        request: Request,
        asset_id: Ref,
        caller: Annotated[Caller, Depends(visitors.with_token)],
        field: Annotated[Typed, Form()],
        version: Version,
        value: Annotated[Typed, Form()] = "",
    ) -> Response:
        """An empty `value` takes back what was said: the measurement counts again."""
        if field not in FIELDS:
            raise NothingThatCanBeSaid
        try:
            changes = TagChanges.model_validate({field: value.strip() or None})
        except ValidationError as error:
            raise NothingThatCanBeSaid from error
        try:
            position = edit_as_seen(request, tools, caller, asset_id, changes, version)
        except PreconditionFailed:
            return RedirectResponse(f"/assets/{asset_id}?done=changed", 303)
        response = RedirectResponse(f"/assets/{asset_id}", 303)
        remember(request, response, position)
        return response

    return routes
