"""Collections: made by hand, each with its own page; saved searches; what is like one track."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.collections import ChangeCollection, CreateCollection
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.errors import NoCultureError
from schemas.text import Cursor, Ref, refusal
from web.forms import Typed, Version
from web.pages.vault.search_form import opened
from web.pages.vault.tools import VaultTools
from web.visitor import RepeatKey, Visitors, catch_up, remember

SHOWN = 100
# To choose from without scripts; with them all are found by their names.
CHOICE = 500
ALIKE = 20
_NOTICES = {
    "saved": "The search is saved.",
    "renamed": "The collection has its new name.",
    "deleted": "The collection was deleted. Its tracks are still in the vault.",
    "added": "The track is in this collection.",
    "changed": "Somebody else changed the collection meanwhile, so nothing was done. This is how"
    " it is now: do it again if you still want to.",
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
    Chosen = Annotated[Ref, Form()]

    def done(request: Request, position: int, path: str, what: str) -> Response:
        response = RedirectResponse(f"{path}?done={what}", 303)
        remember(request, response, position)
        return response

    def notice(request: Request) -> str | None:
        return _NOTICES.get(request.query_params.get("done", ""))

    @routes.get("/collections", name="collections")
    def show(
        request: Request, caller: Visitor, cursor: Annotated[Cursor | None, Query()] = None
    ) -> Response:
        catch_up(request, tools.progress, "collections", "vault")
        found = tools.collections.list(caller, limit=SHOWN, cursor=cursor)
        return tools.renderer.page(
            request,
            "vault/collections.html",
            made=[each for each in found.data if each.kind == "manual"],
            searches=[each for each in found.data if each.kind == "smart"],
            next_cursor=found.next_cursor,
            notice=notice(request),
        )

    @routes.post("/collections")
    def begin(
        request: Request, caller: Author, key: RepeatKey, name: Sent = "", query: Sent = ""
    ) -> Response:
        """Saves a search; without a query it begins a collection to put tracks into."""
        try:
            command = CreateCollection(
                name=name, kind="smart" if query else "manual", query=query or None
            )
        except ValidationError as error:
            raise NameNeeded(refusal(error)) from error
        committed = tools.collecting.create(caller, command, key)
        if query:
            return done(request, committed.position, "/collections", "saved")
        return done(request, committed.position, f"/collections/{committed.stream_id}", "begun")

    @routes.get("/collections/{collection_id}")
    def one(request: Request, collection_id: Ref, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "collections", "vault")
        collection = tools.collections.get(caller, collection_id)
        if collection.kind == "smart":
            return RedirectResponse(opened(collection), 303)
        tracks = tools.vault.listed(caller, collection.assets)
        return tools.renderer.page(
            request,
            "vault/collection.html",
            collection=collection,
            tracks=tracks,
            playable=any(track.audio and track.state != "rejected" for track in tracks),
            unseen=_unseen(collection.assets, [track.id for track in tracks]),
            notice=notice(request),
        )

    @routes.post("/collections/{collection_id}")
    def rename(
        request: Request,
        collection_id: Ref,
        caller: Author,
        version: Version = 0,
        name: Sent = "",
        page: Sent = "",
    ) -> Response:
        """Gives it another name, from the list or from the collection's own `page`."""
        back = f"/collections/{collection_id}" if page else "/collections"
        try:
            command = ChangeCollection(name=name)
        except ValidationError as error:
            raise NameNeeded(refusal(error)) from error
        try:
            committed = tools.collecting.change(caller, collection_id, command, version)
        except PreconditionFailed:
            return RedirectResponse(f"{back}?done=changed", 303)
        return done(request, committed.position, back, "renamed")

    @routes.post("/collections/{collection_id}/tracks")
    def arrange(
        request: Request,
        collection_id: Ref,
        caller: Author,
        version: Version,
        up: Chosen = "",
        down: Chosen = "",
        remove: Chosen = "",
        cover: Chosen = "",
    ) -> Response:
        """Moves one track a step `up` or `down`, takes it out of the collection, or makes its
        picture the cover: `none` is none.
        """
        catch_up(request, tools.progress, "collections", "vault")
        back = f"/collections/{collection_id}"
        collection = tools.collections.get(caller, collection_id)
        seen = [track.id for track in tools.vault.listed(caller, collection.assets)]
        order = moved(moved(seen, up, -1), down, 1)
        command = ChangeCollection(remove=[remove])
        if cover:
            command = ChangeCollection(cover=None if cover == "none" else cover)
        elif not remove:
            command = ChangeCollection(assets=[*order, *_unseen(collection.assets, seen)])
        try:
            if collection.version != version:
                raise PreconditionFailed(collection.version)
            committed = tools.collecting.change(caller, collection_id, command, version)
        except PreconditionFailed:
            return RedirectResponse(f"{back}?done=changed", 303)
        return done(request, committed.position, back, "arranged")

    @routes.post("/collections/{collection_id}/delete")
    def delete(
        request: Request, collection_id: Ref, caller: Author, version: Version = 0
    ) -> Response:
        try:
            committed = tools.collecting.delete(caller, collection_id, version)
        except PreconditionFailed:
            return RedirectResponse("/collections?done=changed", 303)
        return done(request, committed.position, "/collections", "deleted")

    @routes.get("/assets/{asset_id}/collections")
    def choose(request: Request, asset_id: Ref, caller: Visitor) -> Response:
        """The way to add a track without scripts."""
        catch_up(request, tools.progress, "collections", "vault")
        return tools.renderer.page(
            request,
            "vault/collect.html",
            asset=tools.vault.get(caller, asset_id),
            collections=tools.collections.list(caller, limit=CHOICE, kind="manual").data,
        )

    @routes.post("/assets/{asset_id}/collections")
    def add(
        request: Request,
        asset_id: Ref,
        caller: Author,
        key: RepeatKey,
        collection: Chosen = "",
        name: Sent = "",
    ) -> Response:
        """Puts a track into a collection that there is, or into a new one of this name."""
        catch_up(request, tools.progress, "vault")
        # A guest is told that it takes more of a right; collections hold one's own tracks.
        tools.vault.get(caller, asset_id)
        if collection:
            command = ChangeCollection(add=[asset_id])
            committed = tools.collecting.change(caller, collection, command, None, key)
        else:
            try:
                new = CreateCollection(name=name, kind="manual", assets=[asset_id])
            except ValidationError as error:
                raise NameNeeded(refusal(error)) from error
            committed = tools.collecting.create(caller, new, key)
        return done(request, committed.position, f"/collections/{committed.stream_id}", "added")

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


def moved(order: Sequence[str], which: str, steps: int) -> list[str]:
    """Makes the order with one of it so many steps further down; the same if it is not in it."""
    if which not in order:
        return list(order)
    others = [each for each in order if each != which]
    place = min(max(order.index(which) + steps, 0), len(others))
    return [*others[:place], which, *others[place:]]


def _unseen(held: Sequence[str], seen: Sequence[str]) -> list[str]:
    """Lists what is held and the vault does not show: another order keeps it, at the end."""
    shown = frozenset(seen)
    return [each for each in held if each not in shown]
