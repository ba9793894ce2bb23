"""Tracks as one zip: those that were chosen, or all that a search or a collection holds."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import ValidationError

from kit.caller import Caller
from read_api.errors import NothingToDownload, TooManyFiles
from read_api.vault.archive import MOST, safe_name
from read_api.vault.archive_http import sent
from schemas.errors import NoCultureError
from schemas.text import Ref
from schemas.vault.dto import AssetDto
from web.pages.vault.search_form import SearchForm
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, catch_up

A_TIME = 200


class SearchUnreadable(NoCultureError):
    status, code = 422, "search-unreadable"

    def __init__(self) -> None:
        super().__init__("This search has a filter that does not exist: search the vault again")


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]

    def zipped(caller: Caller, asset_ids: list[str], name: str) -> Response:
        if len(asset_ids) > MOST:
            raise TooManyFiles(MOST)
        if not asset_ids:
            raise NothingToDownload
        return sent(tools.media.together(caller, asset_ids), safe_name(name))

    @routes.post("/vault/archive")
    def chosen(
        request: Request, caller: Author, id: Annotated[list[Ref] | None, Form()] = None
    ) -> Response:
        catch_up(request, tools.progress, "vault")
        return zipped(caller, id or [], "tracks")

    @routes.get("/vault/archive")
    def found(request: Request, caller: Visitor) -> Response:
        """All that the search of the address finds, but for files that do not play."""
        catch_up(request, tools.progress, "collections", "vault")
        asked = SearchForm.of(request)
        return zipped(caller, _found(tools, caller, asked), asked.q or "tracks")

    @routes.get("/collections/{collection_id}/archive")
    def collected(request: Request, collection_id: Ref, caller: Visitor) -> Response:
        """The tracks of a collection in its order."""
        catch_up(request, tools.progress, "collections", "vault")
        collection = tools.collections.get(caller, collection_id)
        tracks = tools.vault.listed(caller, collection.assets)
        ids = [each.id for each in tracks if is_whole(each)]
        return zipped(caller, ids, collection.name or "tracks")

    return routes


def _found(tools: VaultTools, caller: Caller, asked: SearchForm) -> list[str]:
    """Raises SearchUnreadable, TooManyFiles (422)."""
    ids: list[str] = []
    cursor = None
    while len(ids) <= MOST:
        try:
            filters = asked.filters(A_TIME, cursor)
        except ValidationError as error:
            raise SearchUnreadable from error
        page = tools.vault.list(caller, filters)
        ids += [each.id for each in page.data if is_whole(each)]
        cursor = page.next_cursor
        if cursor is None:
            return ids
    raise TooManyFiles(MOST)


def is_whole(asset: AssetDto) -> bool:
    """Whether its file is known to be a recording, and so can be played and downloaded."""
    return asset.audio is not None and asset.state != "rejected"
