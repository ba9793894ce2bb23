"""The vault: the list of tracks with its search, and the form that uploads without scripts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from kit.caller import Caller
from schemas.audio.files import ACCEPTED
from schemas.errors import NoCultureError
from web import form_token, welcome
from web.pages.vault import columns, measuring, trash
from web.pages.vault.search_form import SearchForm
from web.pages.vault.tools import VaultTools
from web.render import wants_part
from web.troubles import in_plain_words
from web.visitor import Visitors, catch_up, remember

PAGE = 50
MAX_DIGITS = 9
MOST = 200
VIEWS = ("table", "grid")
VIEW_COOKIE = "noculture_view"
YEAR_S = 365 * 24 * 3600
READ_BYTES = 1024 * 1024
SORTS = (
    ("", "Default order"),
    ("-uploaded_at", "Newest first"),
    ("uploaded_at", "Oldest first"),
    ("title", "Title, A to Z"),
    ("-title", "Title, Z to A"),
    ("tempo", "Slowest first"),
    ("-tempo", "Fastest first"),
    ("duration", "Shortest first"),
    ("-duration", "Longest first"),
    ("-rating", "Best rated first"),
)
_NOTICES = {"uploaded": "Uploaded. Analysing…"}


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]

    @routes.get("/vault")
    def vault(request: Request, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "vault", "reanalyses")
        asked = SearchForm.of(request)
        cursor = request.query_params.get("cursor")
        shown = _listing(tools, caller, asked, _limit(request), cursor)
        if wants_part(request) and cursor:
            return tools.renderer.part(request, "vault/_rows.html", **shown)
        shown |= {
            "asked": asked,
            "stats": tools.vault.stats(caller),
            "again": measuring.told(tools, caller),
            "queue": tools.queue(),
            "usage": tools.storage.usage(caller.workspace_id),
            "accepted": ACCEPTED,
            "hidden": columns.hidden(request),
            "sorts": SORTS,
            "notice": _NOTICES.get(request.query_params.get("done", "")),
            "trashed": trash.just_trashed(tools, caller, request),
            "view": _view(request),
            "welcome": welcome.is_due(request),
            "verified": tools.is_verified(caller.account_id),
        }
        if not wants_part(request):
            response = tools.renderer.page(request, "vault/vault.html", **shown)
            welcome.forget(request, response)
            if request.query_params.get("view") in VIEWS:
                response.set_cookie(VIEW_COOKIE, _view(request), max_age=YEAR_S, samesite="lax")
            return response
        response = tools.renderer.part(request, "vault/_tracks_part.html", **shown)
        response.headers["HX-Replace-Url"] = asked.url()
        return response

    @routes.post("/vault/upload")
    async def upload(request: Request) -> Response:
        # Checked before the body is read, so that strangers cannot fill the disk.
        caller = await run_in_threadpool(visitors.signed_in, request)
        async with request.form(max_files=1000) as form:
            form_token.check(caller, str(form.get("csrf_token", "")))
            files = [f for f in form.getlist("file") if isinstance(f, UploadFile) and f.filename]
            run, account_id = tools.assets.turns.run, caller.account_id
            positions = [await run(account_id, _keep, tools, caller, file) for file in files]
        response = RedirectResponse("/vault?done=uploaded" if files else "/vault", 303)
        remember(request, response, max(positions, default=0))
        return response

    return routes


def _listing(
    tools: VaultTools, caller: Caller, asked: SearchForm, limit: int, cursor: str | None
) -> dict[str, Any]:
    problem, tracks, more_url = None, None, ""
    try:
        folded = {"versions": "folded"}
        tracks = tools.vault.list(caller, asked.filters(limit, cursor).model_copy(update=folded))
    except ValidationError as error:
        problem = _unfit(error)
    except NoCultureError as error:
        if error.status != 422:
            raise
        problem = in_plain_words(error)
    if tracks is not None and tracks.next_cursor:
        more_url = asked.url(cursor=tracks.next_cursor)
    return {
        "problem": problem,
        "tracks": tracks,
        "more_url": more_url,
        "filtered": asked.filtered,
    }


def _unfit(error: ValidationError) -> str:
    for found in error.errors():
        if found["loc"]:
            field = str(found["loc"][0]).replace("_", " ")
            return f"The search does not know this {field}: remove the filter, or choose another."
    return "The lowest value of a range is above its highest: swap the two."


def _view(request: Request) -> str:
    """The view that this browser wants of the list; without scripts a link chooses it."""
    wanted = request.query_params.get("view") or request.cookies.get(VIEW_COOKIE)
    return wanted if wanted in VIEWS else VIEWS[0]


def _limit(request: Request) -> int:
    """Counts the rows to show: a live refresh shows as many as were there."""
    shown = request.query_params.get("shown", "")
    known = shown.isascii() and shown.isdigit() and len(shown) <= MAX_DIGITS
    return min(max(int(shown), PAGE), MOST) if known else PAGE


def _keep(tools: VaultTools, caller: Caller, file: UploadFile) -> int:
    pieces = iter(lambda: file.file.read(READ_BYTES), b"")
    return tools.assets.upload(caller, file.filename or "", pieces).position
