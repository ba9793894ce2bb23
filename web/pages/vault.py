"""The vault: the list of tracks with its search, and the form that uploads without scripts."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from kit.caller import Caller
from read_api.asset_filters import AssetFilters
from schemas.errors import NoCultureError
from web import form_token
from web.parts import Parts
from web.render import wants_part
from web.visitor import Visitors, catch_up, remember

PAGE = 50
MOST = 200
READ_BYTES = 1024 * 1024
ACCEPTED = "audio/*,.mp3,.flac,.wav,.aif,.aiff,.ogg,.oga,.opus,.m4a,.aac"
LENGTHS = (
    ("", "Any length"),
    ("-60", "Under 1 min"),
    ("60-180", "1 to 3 min"),
    ("180-300", "3 to 5 min"),
    ("300-", "Over 5 min"),
)
SORTS = (
    ("", "Default order"),
    ("uploaded_at", "Oldest first"),
    ("title", "Title, A to Z"),
    ("-title", "Title, Z to A"),
    ("tempo", "Slowest first"),
    ("-tempo", "Fastest first"),
    ("duration", "Shortest first"),
    ("-duration", "Longest first"),
)
_FIELDS = ("q", "tempo_min", "tempo_max", "key", "length", "state", "sort")
_NOTICES = {"deleted": "The track was deleted.", "uploaded": "Uploaded. Measuring follows."}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the search form says, as text, to show it again."""

    q: str = ""
    tempo_min: str = ""
    tempo_max: str = ""
    key: str = ""
    length: str = ""
    state: str = ""
    sort: str = ""

    @classmethod
    def of(cls, request: Request) -> "Asked":
        given = request.query_params
        return cls(**{name: given.get(name, "")[:200].strip() for name in _FIELDS})

    @property
    def said(self) -> dict[str, str]:
        return {name: value for name in _FIELDS if (value := getattr(self, name))}

    @property
    def filtered(self) -> bool:
        return bool(self.said.keys() - {"sort"})

    def filters(self, limit: int, cursor: str | None) -> AssetFilters:
        """Raises ValidationError."""
        asked: dict[str, Any] = {**self.said, "limit": limit, "cursor": cursor}
        shortest, _, longest = asked.pop("length", "").partition("-")
        return AssetFilters(**asked, duration_min=shortest or None, duration_max=longest or None)

    def url(self, **more: str) -> str:
        query = urlencode(self.said | more)
        return f"/vault?{query}" if query else "/vault"


def router(parts: Parts) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(parts)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]

    @routes.get("/vault")
    def vault(request: Request, caller: Visitor) -> Response:
        catch_up(request, parts.progress, "vault")
        asked = Asked.of(request)
        cursor = request.query_params.get("cursor")
        shown = _listing(parts, caller, asked, _limit(request), cursor)
        if wants_part(request) and cursor:
            return parts.renderer.part(request, "_rows.html", **shown)
        shown |= {
            "asked": asked,
            "stats": parts.vault.stats(caller),
            "usage": parts.storage.usage(caller.workspace_id),
            "accepted": ACCEPTED,
            "lengths": LENGTHS,
            "sorts": SORTS,
            "notice": _NOTICES.get(request.query_params.get("done", "")),
        }
        if not wants_part(request):
            return parts.renderer.page(request, "vault.html", **shown)
        response = parts.renderer.part(request, "_tracks_part.html", **shown)
        response.headers["HX-Replace-Url"] = asked.url()
        return response

    @routes.post("/vault/upload")
    async def upload(request: Request) -> Response:
        # Before the body is read: strangers may not fill the disk.
        caller = await run_in_threadpool(visitors.signed_in, request)
        async with request.form(max_files=1000) as form:
            form_token.check(caller, str(form.get("csrf_token", "")))
            files = [f for f in form.getlist("file") if isinstance(f, UploadFile) and f.filename]
            positions = [await run_in_threadpool(_keep, parts, caller, file) for file in files]
        response = RedirectResponse("/vault?done=uploaded" if files else "/vault", 303)
        remember(request, response, max(positions, default=0))
        return response

    return routes


def _listing(
    parts: Parts, caller: Caller, asked: Asked, limit: int, cursor: str | None
) -> dict[str, Any]:
    problem, tracks, more_url = None, None, ""
    try:
        tracks = parts.vault.list(caller, asked.filters(limit, cursor))
    except ValidationError:
        problem = "Nothing can fit this: the lowest tempo must be below the highest."
    except NoCultureError as error:
        if error.status != 422:
            raise
        problem = str(error)
    if tracks is not None and tracks.next_cursor:
        more_url = asked.url(cursor=tracks.next_cursor)
    return {
        "problem": problem,
        "tracks": tracks,
        "more_url": more_url,
        "filtered": asked.filtered,
    }


def _limit(request: Request) -> int:
    """A live refresh shows as many rows again as were there."""
    shown = request.query_params.get("shown", "")
    return min(max(int(shown), PAGE), MOST) if shown.isascii() and shown.isdigit() else PAGE


def _keep(parts: Parts, caller: Caller, file: UploadFile) -> int:
    pieces = iter(lambda: file.file.read(READ_BYTES), b"")
    return parts.assets.upload(caller, file.filename or "", pieces).position
