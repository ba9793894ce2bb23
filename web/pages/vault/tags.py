"""The form that edits a track's tags: only what differs from what was shown is said."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ValidationError

from commands.vault.tag_changes import TagChanges
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from schemas.vault.dto import AssetDto, TagsDto
from web import form_token, looks
from web.forms import Typed
from web.pages.vault.marks import edit_as_seen
from web.pages.vault.tools import VaultTools
from web.pages.vault.words import field_name
from web.render import wants_part
from web.troubles import in_plain_words
from web.visitor import PATIENCE_S, Visitors, catch_up, remember

# The form edits the joined text of several artists or genres.
FIELDS = tuple(name for name in TagsDto.model_fields if name not in ("artists", "genres"))
_NUMBERS = ("tempo_bpm", "energy", "danceability", "valence")
_WRONG = {
    "year": "Type the year with four digits.",
    "track": "Type the track as a whole number.",
    "tempo_bpm": "Type the tempo in beats per minute, up to 1,000.",
    "isrc": "An ISRC looks like USRC17607839.",
    "disc": "Type the disc as a whole number.",
    "energy": "Type the energy as a number from 0 to 1.",
    "danceability": "Type the danceability as a number from 0 to 1.",
    "valence": "Type the positivity as a number from 0 to 1.",
    "instruments": "Type up to 20 instruments, with commas between them.",
    "comment": "Type a comment of up to 2,000 characters.",
}
WholePage = Callable[[VaultTools, Caller, AssetDto, str], dict[str, Any]]
TemplateOf = Callable[[AssetDto], str]


class TagForm(BaseModel):
    """The tag form as the browser sends it: text, all of it."""

    csrf_token: Typed = ""
    version: int = 0
    title: Typed = ""
    artist: Typed = ""
    album: Typed = ""
    year: Typed = ""
    genre: Typed = ""
    track: Typed = ""
    tempo_bpm: Typed = ""
    key: Typed = ""
    isrc: Typed = ""
    album_artist: Typed = ""
    disc: Typed = ""
    composer: Typed = ""
    label: Typed = ""
    copyright: Typed = ""
    comment: Typed = ""
    energy: Typed = ""
    danceability: Typed = ""
    valence: Typed = ""
    instruments: Typed = ""

    @property
    def said(self) -> dict[str, str]:
        return {name: getattr(self, name).strip() for name in FIELDS}


def router(
    tools: VaultTools, visitors: Visitors, whole_page: WholePage, template_of: TemplateOf
) -> APIRouter:
    routes = APIRouter()

    @routes.post("/assets/{asset_id}/tags")
    def edit_tags(
        request: Request,
        asset_id: Ref,
        caller: Annotated[Caller, Depends(visitors.signed_in)],
        form: Annotated[TagForm, Form()],
    ) -> Response:
        form_token.check(caller, form.csrf_token)
        catch_up(request, tools.progress, "grants", "vault")
        asset = tools.vault.get(caller, asset_id, "edit")
        position, status, shown = 0, 200, {}
        try:
            changes = TagChanges.model_validate(changes_of(asset, form.said))
            position = edit_as_seen(request, tools, caller, asset_id, changes, form.version)
            tools.progress.wait_until("vault", position, PATIENCE_S)
            asset = tools.vault.get(caller, asset_id, "edit")
            shown = form_of(asset) | {"saved": True}
        except ValidationError as error:
            status, shown = 422, form_of(asset, form.said) | {"problems": _problems(error)}
        except PreconditionFailed:
            # Another tab or program was faster: show what it said, keep what was typed.
            status, shown = 409, form_of(asset, form.said)
            shown |= {"conflict": _theirs(asset, form.said)}
        except NoCultureError as error:
            status, shown = error.status, form_of(asset, form.said)
            shown |= {"problems": {"": in_plain_words(error)}}
        response = answer(request, caller, asset, status, shown)
        if position:
            remember(request, response, position)
        return response

    def answer(
        request: Request, caller: Caller, asset: AssetDto, status: int, shown: dict[str, Any]
    ) -> Response:
        if wants_part(request):
            return tools.renderer.part(
                request, "vault/_tag_form.html", status, asset=asset, **shown
            )
        if status == 200:
            return RedirectResponse(f"/assets/{asset.id}?tab=details&done=saved", 303)
        page = whole_page(tools, caller, asset, "details")
        return tools.renderer.page(request, template_of(asset), status, **page, **shown)

    return routes


def form_of(asset: AssetDto, typed: dict[str, str] | None = None) -> dict[str, Any]:
    """Fills _tag_form.html with what was typed, else with what the tags say."""
    return {"form": typed or _texts(asset), "problems": {}, "conflict": None, "saved": False}


def changes_of(asset: AssetDto, said: dict[str, str]) -> dict[str, Any]:
    """Only the fields that differ; an emptied one is null: it takes the tag back."""
    shown = _texts(asset)
    changed: dict[str, Any] = {n: said[n] or None for n in FIELDS if said[n] != shown[n]}
    if changed.get("isrc"):
        changed["isrc"] = changed["isrc"].replace("-", "").upper()
    if changed.get("instruments"):
        named = (name.strip() for name in changed["instruments"].split(","))
        changed["instruments"] = [name for name in named if name]
    return changed


def _texts(asset: AssetDto) -> dict[str, str]:
    tags = asset.tags.model_dump()
    tags |= {name: looks.bare(tags[name]) for name in _NUMBERS}
    tags["instruments"] = ", ".join(asset.tags.instruments or ())
    return {name: "" if tags[name] is None else str(tags[name]) for name in FIELDS}


def _theirs(asset: AssetDto, said: dict[str, str]) -> dict[str, str]:
    """Which fields stand otherwise now than in the form, and how."""
    now = _texts(asset)
    return {name: now[name] or "empty" for name in FIELDS if now[name] != said[name]}


def _problems(error: ValidationError) -> dict[str, str]:
    fields = dict.fromkeys(str(found["loc"][0]) for found in error.errors())
    unkept = refusal(error)
    return {name: unkept or _WRONG.get(name) or f"Check “{field_name(name)}”." for name in fields}
