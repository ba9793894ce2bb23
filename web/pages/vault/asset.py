"""One track: its waveform and lanes, what was measured, comments, history."""

import gzip
import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from kit.caller import Caller
from kit.conditions import PreconditionFailed
from read_api.vault.media import Peaks
from schemas.errors import NoCultureError
from schemas.text import Ref
from schemas.vault.dto import AssetDto
from web.forms import Version
from web.pages.vault import comments, from_name, listening, marks, said, sharing, tags
from web.pages.vault.lanes import lanes_of
from web.pages.vault.tools import VaultTools
from web.pages.vault.words import Happening, happening
from web.troubles import in_plain_words
from web.visitor import Visitors, catch_up, remember

COLUMNS = 200
COARSEST = 1_000_000
FINEST, COARSE = 256, 4096
# Two to three pairs for each bar of the widest waveform we draw.
HERO_PAIRS = 1200
PEAKS_KEPT_S = 3600
EVENTS = 200
# The parts of the page, by the name that the address has.
TABS = {
    "listen": "Listen",
    "notes": "Notes",
    "mix": "Mix check",
    "details": "Details",
    "files": "Files",
}
_NOTICES = {
    "changed": "Somebody else changed the track first. Check the values below, then try again.",
    "restored": "This track is back in your vault.",
    "nothing-to-write": "The file has all of your tags already, so nothing was written.",
    "written": "Your tags are in the file now. We keep the earlier file too.",
    "partly-written": "Your tags are in the file now, but for those that its format cannot hold:"
    " the timeline names them. We keep the earlier file too.",
}


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]

    @routes.get("/assets/{asset_id}")
    def asset_page(request: Request, asset_id: Ref, caller: Visitor) -> Response:
        views = ("grants", "vault", "timeline", "comments", "analyses")
        catch_up(request, tools.progress, *views)
        asset = tools.vault.get(caller, asset_id, "listen")
        done = request.query_params.get("done")
        form = tags.form_of(asset) | {"saved": done == "saved"}
        tab = request.query_params.get("tab", "")
        shown = whole_page(tools, caller, asset, tab) | {"notice": _NOTICES.get(done or "")}
        return tools.renderer.page(request, template_of(asset), **shown, **form)

    @routes.get("/assets/{asset_id}/peaks")
    def small_waveform(request: Request, asset_id: Ref, caller: Visitor) -> Response:
        """The waveform as (min, max) pairs for a row of the list: a tenth of the API's smallest."""
        peaks = tools.media.peaks(caller, asset_id)
        headers = {
            "ETag": f'"{peaks.sha256[:32]}"',
            "Cache-Control": kept(peaks, caller),
            "Vary": "Cookie",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        data = tools.media.waveform(peaks, COARSEST)["data"]
        assert isinstance(data, list)
        return JSONResponse({"data": narrowed(data, COLUMNS)}, headers=headers)

    @routes.get("/assets/{asset_id}/waveform")
    def waveform(
        request: Request,
        asset_id: Ref,
        caller: Visitor,
        zoom: Annotated[int, Query(ge=FINEST, le=COARSEST)] = COARSE,
    ) -> Response:
        """The waveform of the API, drawn together to the zoom that was asked for and packed: the
        stored levels are up to four times as fine, 5 kB more before the page is there.
        """
        peaks = tools.media.peaks(caller, asset_id)
        headers = {
            "ETag": f'"{peaks.sha256[:32]}-{zoom}"',
            "Cache-Control": kept(peaks, caller),
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        found = tools.media.waveform(peaks, zoom)
        data, level = found["data"], found["samples_per_pixel"]
        assert isinstance(data, list)
        assert isinstance(level, int)
        data = narrowed(data, max(1, len(data) // 2 * level // zoom))
        return packed(request, json.dumps({"data": data}, separators=(",", ":")).encode(), headers)

    @routes.get("/assets/{asset_id}/lanes")
    def lanes(request: Request, asset_id: Ref, caller: Visitor) -> Response:
        """Gives what is drawn over the waveform; empty where there is no report."""
        asset = tools.vault.get(caller, asset_id, "listen")
        report = None if asset.shared else tools.reports.report(caller, asset_id)
        body = json.dumps(lanes_of(report) if report else {}, separators=(",", ":")).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return packed(request, body, headers)

    @routes.post("/assets/{asset_id}/measure")
    def measure_again(asset_id: Ref, caller: Author) -> Response:
        """Starts a new run; the measurement before it counts until the new one is done."""
        tools.measuring.start(caller, asset_id)
        return RedirectResponse(f"/assets/{asset_id}?tab=files", 303)

    @routes.post("/assets/{asset_id}/file")
    def write_into_file(
        request: Request, asset_id: Ref, caller: Author, version: Version
    ) -> Response:
        """A new version of the file that carries the tags; the earlier one stays."""
        try:
            made, committed = tools.rewriting.rewrite(caller, asset_id, version)
        except PreconditionFailed:
            return RedirectResponse(f"/assets/{asset_id}?tab=files&done=changed", 303)
        except NoCultureError as error:
            # A kind of file that holds no tags, a full plan: said beside the track.
            asset = tools.vault.get(caller, asset_id)
            shown = (
                whole_page(tools, caller, asset, "files")
                | {"notice": in_plain_words(error)}
                | tags.form_of(asset)
            )
            return tools.renderer.page(request, "vault/asset.html", error.status, **shown)
        if committed is None:
            return RedirectResponse(f"/assets/{asset_id}?tab=files&done=nothing-to-write", 303)
        done = "partly-written" if made.left_out else "written"
        response = RedirectResponse(f"/assets/{asset_id}?tab=files&done={done}", 303)
        remember(request, response, committed.position)
        return response

    routes.include_router(tags.router(tools, visitors, whole_page, template_of))
    routes.include_router(said.router(tools, visitors))
    routes.include_router(marks.router(tools, visitors))
    routes.include_router(from_name.router(tools, visitors))
    routes.include_router(comments.router(tools, visitors))
    routes.include_router(sharing.router(tools))
    return routes


def template_of(asset: AssetDto) -> str:
    return "vault/shared_asset.html" if asset.shared else "vault/asset.html"


def whole_page(tools: VaultTools, caller: Caller, asset: AssetDto, tab: str = "") -> dict[str, Any]:
    """Gathers what the page shows beside the tag form; `tab` is the part that is open."""
    if asset.shared is not None:
        return _shared_page(tools, caller, asset)
    report = tools.reports.report(caller, asset.id) if asset.analysis else None
    runs = tools.reports.runs(caller, asset.id).data
    completed = [run.run for run in runs if run.state == "completed"]
    several = len(completed) > 1
    return {
        "asset": asset,
        "song": tools.vault.versions(caller, asset.id),
        "report": report,
        "reading": listening.reading(asset, report),
        "bands": listening.bands(report.curves.spectrum) if report else [],
        "runs": runs,
        "compared": tools.reports.compare(caller, asset.id) if several else None,
        "comments": tools.said.of_asset(caller, asset.id).data,
        "me": caller.account_id,
        "playable": asset.audio is not None and asset.state != "rejected",
        "zoom": _zoom(asset),
        "TABS": TABS,
        "tab": tab if tab in TABS else "listen",
        "timeline": _timeline(tools, caller, asset.id),
        "notice": None,
        **sharing.sharing_of(tools, caller, asset),
    }


def _shared_page(tools: VaultTools, caller: Caller, asset: AssetDto) -> dict[str, Any]:
    """Gathers what the right to somebody else's track allows."""
    silent = asset.shared is None or asset.shared.right == "listen"
    return {
        "asset": asset,
        "report": None,
        "comments": [] if silent else tools.said.of_asset(caller, asset.id).data,
        "me": caller.account_id,
        "playable": asset.audio is not None,
        "zoom": _zoom(asset),
        "notice": None,
    }


def kept(peaks: Peaks, caller: Caller) -> str:
    """For how long a browser keeps a waveform: one of somebody else's it asks for each time, for
    the right to it may have ended.
    """
    own = peaks.workspace_id == caller.workspace_id
    return f"private, max-age={PEAKS_KEPT_S}" if own else "private, no-cache"


def packed(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    """JSON, compressed where that is understood."""
    headers["Vary"] = "Cookie, Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 5, mtime=0), "gzip"
    return Response(body, media_type="application/json", headers=headers)


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


def _timeline(tools: VaultTools, caller: Caller, asset_id: str) -> list[Happening]:
    """Newest first."""
    events = tools.newest_events(caller, asset_id, EVENTS)
    told = (happening(event, caller.account_id) for event in events)
    return [line for line in told if line is not None]
