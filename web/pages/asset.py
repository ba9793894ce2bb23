"""One track: its waveform, its measurements, its history; and how it is deleted."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from kit.caller import Caller
from schemas.dto import AssetDto
from web.pages import tags
from web.parts import Parts
from web.visitor import Visitors, catch_up, remember
from web.words import Happening, happening

COLUMNS = 200
COARSEST = 1_000_000
FINEST, COARSE = 256, 4096
# About two pairs for each bar of the widest waveform we draw.
HERO_PAIRS = 1500
PEAKS_KEPT_S = 3600
EVENTS = 200


def router(parts: Parts) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(parts)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]

    @routes.get("/assets/{asset_id}")
    def asset_page(request: Request, asset_id: str, caller: Visitor) -> Response:
        catch_up(request, parts.progress, "vault", "timeline")
        asset = parts.vault.get(caller, asset_id)
        form = tags.form_of(asset) | {"saved": request.query_params.get("done") == "saved"}
        shown = whole_page(parts, caller, asset)
        return parts.renderer.page(request, "asset.html", **shown, **form)

    @routes.get("/assets/{asset_id}/peaks")
    def peaks(request: Request, asset_id: str, caller: Visitor) -> Response:
        """The waveform as (min, max) pairs for a row of the list: a tenth of the API's smallest."""
        sha256 = parts.media.peaks(caller, asset_id)
        headers = {
            "ETag": f'"{sha256[:32]}"',
            "Cache-Control": f"private, max-age={PEAKS_KEPT_S}",
            "Vary": "Cookie",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        data = parts.media.waveform(caller, sha256, COARSEST)["data"]
        assert isinstance(data, list)
        return JSONResponse({"data": narrowed(data, COLUMNS)}, headers=headers)

    @routes.post("/assets/{asset_id}/delete")
    def delete(
        request: Request, asset_id: str, caller: Author, version: Annotated[int, Form()]
    ) -> Response:
        committed = parts.assets.delete(caller, asset_id, version)
        response = RedirectResponse("/vault?done=deleted", 303)
        remember(request, response, committed.position)
        return response

    routes.include_router(tags.router(parts, visitors, whole_page))
    return routes


def whole_page(parts: Parts, caller: Caller, asset: AssetDto) -> dict[str, Any]:
    """What asset.html shows beside the tag form."""
    return {
        "asset": asset,
        "playable": asset.audio is not None and asset.state != "rejected",
        "zoom": _zoom(asset),
        "timeline": _timeline(parts, caller, asset.id),
    }


def narrowed(pairs: list[int], columns: int) -> list[int]:
    """(min, max) pairs brought to at most so many columns; no peak is lost."""
    lows, highs = pairs[::2], pairs[1::2]
    count = len(lows)
    if count <= columns:
        return pairs
    narrow: list[int] = []
    for column in range(columns):
        start, end = column * count // columns, (column + 1) * count // columns
        narrow += (min(lows[start:end]), max(highs[start:end]))
    return narrow


def _zoom(asset: AssetDto) -> int:
    """Samples per pixel of the big waveform: short tracks need a finer one."""
    if asset.audio is None:
        return COARSE
    samples = asset.audio.duration_s * asset.audio.sample_rate_hz
    return int(min(max(samples / HERO_PAIRS, FINEST), COARSE))


def _timeline(parts: Parts, caller: Caller, asset_id: str) -> list[Happening]:
    """Newest first."""
    events = parts.timeline.of_asset(caller, asset_id, limit=EVENTS).data
    told = (happening(event, caller.account_id) for event in reversed(events))
    return [line for line in told if line is not None]
