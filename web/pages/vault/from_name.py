"""Tags out of the file's name, with one press."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from commands.vault.tag_changes import TagChanges
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.text import Ref
from schemas.vault.dto import AssetDto
from web import looks
from web.forms import Typed
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, catch_up, remember

ALL = "all"


def router(tools: VaultTools, visitors: Visitors) -> APIRouter:
    routes = APIRouter()

    @routes.post("/assets/{asset_id}/from-name")
    def keep(
        request: Request,
        asset_id: Ref,
        caller: Annotated[Caller, Depends(visitors.with_token)],
        field: Annotated[Typed, Form()],
    ) -> Response:
        """Reads the name again, beside the tags of now: the form says only which part is kept."""
        catch_up(request, tools.progress, "vault")
        asset = tools.vault.get(caller, asset_id)
        read = asset.from_name
        said = read.model_dump(exclude_none=True) if read else {}
        chosen = said if field == ALL else {name: v for name, v in said.items() if name == field}
        page = f"/assets/{asset_id}"
        if not chosen:
            return RedirectResponse(page, 303)
        changes = TagChanges.model_validate(chosen)
        try:
            committed = tools.assets.edit_tags(caller, asset_id, changes, asset.version)
        except PreconditionFailed:
            return RedirectResponse(f"{page}?done=changed", 303)
        response = RedirectResponse(page, 303)
        remember(request, response, committed.position)
        return response

    return routes


def read_in_name(asset: AssetDto) -> dict[str, str]:
    """By the names of tags, as a page shows it; nothing while tags cannot be changed."""
    if asset.from_name is None or asset.shared or asset.trashed_at or asset.audio is None:
        return {}
    read = asset.from_name.model_dump(exclude_none=True)
    if "tempo_bpm" in read:
        read["tempo_bpm"] = f"{looks.decimal(read['tempo_bpm'])} BPM"
    return read
