"""Collections: saved searches with what they hold, and what is like one track."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.collections import ChangeCollection, CreateCollection
from kit.caller import Caller
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web.forms import Typed
from web.pages.vault.tools import VaultTools
from web.visitor import RepeatKey, Visitors, catch_up, remember

SHOWN = 100
ALIKE = 20
_NOTICES = {
    "saved": "The search is saved.",
    "renamed": "The collection has its new name.",
    "deleted": "The collection was deleted. Its tracks are still in the vault.",
}


class NameNeeded(NoCultureError):
    status, code = 422, "name-needed"

    def __init__(self, unkept: str | None = None) -> None:
        super().__init__(unkept or "A collection needs a name: type one of up to 200 characters")


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]
    Sent = Annotated[Typed, Form()]
    Version = Annotated[int, Form(ge=0)]

    def done(request: Request, position: int, what: str) -> Response:
        response = RedirectResponse(f"/collections?done={what}", 303)
        remember(request, response, position)
        return response

    @routes.get("/collections")
    def show(request: Request, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "collections", "vault")
        return tools.renderer.page(
            request,
            "vault/collections.html",
            collections=tools.collections.list(caller, limit=SHOWN),
            notice=_NOTICES.get(request.query_params.get("done", "")),
        )

    @routes.post("/collections")
    def save(
        request: Request, caller: Author, key: RepeatKey, name: Sent = "", query: Sent = ""
    ) -> Response:
        try:
            command = CreateCollection(name=name, kind="smart", query=query)
        except ValidationError as error:
            raise NameNeeded(refusal(error)) from error
        return done(request, tools.collecting.create(caller, command, key).position, "saved")

    @routes.post("/collections/{collection_id}")
    def rename(
        request: Request, collection_id: Ref, caller: Author, version: Version = 0, name: Sent = ""
    ) -> Response:
        try:
            command = ChangeCollection(name=name)
        except ValidationError as error:
            raise NameNeeded(refusal(error)) from error
        committed = tools.collecting.change(caller, collection_id, command, version)
        return done(request, committed.position, "renamed")

    @routes.post("/collections/{collection_id}/delete")
    def delete(
        request: Request, collection_id: Ref, caller: Author, version: Version = 0
    ) -> Response:
        committed = tools.collecting.delete(caller, collection_id, version)
        return done(request, committed.position, "deleted")

    @routes.get("/assets/{asset_id}/alike")
    def alike(request: Request, asset_id: Ref, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "vault", "sounds")
        return tools.renderer.page(
            request,
            "vault/alike.html",
            asset=tools.vault.get(caller, asset_id),
            similar=tools.vault.similar(caller, asset_id, ALIKE).data,
            related=tools.vault.related(caller, asset_id).data,
        )

    return routes
