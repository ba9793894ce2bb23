"""The trash: how a track gets into it and out again, what is in it, how it is emptied."""

import math
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from kit.caller import Caller
from read_api.errors import NotVisible
from schemas.text import Cursor, Ref
from schemas.vault.dto import AssetDto
from web.forms import Typed, Version
from web.pages.vault.tools import VaultTools
from web.visitor import RepeatKey, Visitors, catch_up, remember

PAGE = 50
DAY = timedelta(days=1)
_NOTICES = {
    "restored": "The track is back in your vault.",
    "deleted": "The track was deleted.",
    "emptied": "The trash is empty now.",
}


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]

    @routes.get("/trash")
    def trash(
        request: Request, caller: Visitor, cursor: Annotated[Cursor | None, Query()] = None
    ) -> Response:
        catch_up(request, tools.progress, "vault")
        now = tools.now()
        tracks = tools.vault.trash.page(caller, limit=PAGE, cursor=cursor)
        return tools.renderer.page(
            request,
            "vault/trash.html",
            tracks=tracks,
            left={each.id: time_left(each.trashed_until, now) for each in tracks.data},
            contents=tools.vault.trash.contents(caller),
            notice=_NOTICES.get(request.query_params.get("done", "")),
        )

    @routes.post("/assets/{asset_id}/trash")
    def put(request: Request, asset_id: Ref, caller: Author, key: RepeatKey) -> Response:
        """Whatever the track says by now: it can be taken back."""
        position = tools.trash.trash(caller, asset_id, None, key).position
        return done(request, f"/vault?done=trashed&track={asset_id}", position)

    @routes.post("/assets/{asset_id}/restore")
    def take_out(
        request: Request,
        asset_id: Ref,
        caller: Author,
        key: RepeatKey,
        page: Annotated[Typed, Form()] = "",
    ) -> Response:
        """`page` says where the button was."""
        position = tools.trash.restore(caller, asset_id, None, key).position
        back = "/trash" if page == "trash" else f"/assets/{asset_id}"
        return done(request, f"{back}?done=restored", position)

    @routes.post("/assets/{asset_id}/delete")
    def delete(request: Request, asset_id: Ref, caller: Author, version: Version) -> Response:
        position = tools.assets.delete(caller, asset_id, version).position
        return done(request, "/trash?done=deleted", position)

    @routes.post("/trash/empty")
    def empty(request: Request, caller: Author, key: RepeatKey) -> Response:
        """As many as one step may have; what is left stays on the page."""
        committed = tools.trash.empty(caller, key)
        return done(request, "/trash?done=emptied", committed.position if committed else 0)

    def done(request: Request, back: str, position: int) -> Response:
        response = RedirectResponse(back, 303)
        remember(request, response, position)
        return response

    return routes


def just_trashed(tools: VaultTools, caller: Caller, request: Request) -> AssetDto | None:
    """The track that this browser has just put into the trash, as long as it is there."""
    if request.query_params.get("done") != "trashed":
        return None
    try:
        asset = tools.vault.get(caller, request.query_params.get("track", ""))
    except NotVisible:
        return None
    return asset if asset.trashed_until else None


def time_left(until: datetime | None, now: datetime) -> str:
    """`30 days left`; the last day is named as such."""
    days = 0 if until is None else math.ceil((until - now) / DAY)
    return f"{days} days left" if days > 1 else "Last day"
