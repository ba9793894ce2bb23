"""Marks in the head of a track's page: only what differs from what was shown is said."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.mark_changes import MarkChanges
from commands.vault.tag_changes import TagChanges
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.dto import EventDto
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, catch_up, remember

# So many events are looked at for what happened beside marks.
LOOKED_BACK = 50


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


def edit_as_seen(
    request: Request,
    tools: VaultTools,
    caller: Caller,
    asset_id: str,
    changes: TagChanges,
    version: int,
) -> int:
    """Edits tags at the version of a form that was shown before marks were made: they change none
    of what it shows. Returns the position. Raises what `edit_tags` raises.
    """
    try:
        return tools.assets.edit_tags(caller, asset_id, changes, version).position
    except PreconditionFailed:
        catch_up(request, tools.progress, "timeline")
        now = but_for_marks(tools.newest_events(caller, asset_id, LOOKED_BACK), asset_id, version)
        if now == version:
            raise
        return tools.assets.edit_tags(caller, asset_id, changes, now).position


def but_for_marks(events: Iterable[EventDto], asset_id: str, seen: int) -> int:
    """The version after all marks since the one that was seen; that one if anything else happened
    to the track, or if `events` do not reach back so far.
    """
    since = {
        event.stream_version: event.type
        for event in events
        if event.stream_id == asset_id and event.stream_version > seen
    }
    newest = max(since, default=seen)
    only_marks = set(since.values()) == {"asset.marked"} and len(since) == newest - seen
    return newest if only_marks else seen


def changes_of(shown: str, status: str, rating: str, colour: str) -> dict[str, Any]:
    """`shown` are the three as the form was made with, with commas between them."""
    before = shown.split(",")
    if len(before) != 3:
        before = ["", "0", ""]
    said: dict[str, Any] = {"status": status or None, "rating": rating, "colour": colour or None}
    now = zip(said, (status, rating, colour), before, strict=True)
    return {name: said[name] for name, chosen, was in now if chosen != was}
