"""The tracks that others share with a musician, and the people whom theirs are shared with."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.vault.sharing import ShareAsset
from kit.caller import Caller
from schemas.errors import NoCultureError
from schemas.text import Cursor, Ref
from schemas.vault.dto import AssetDto
from web.forms import Typed
from web.pages.vault.tools import VaultTools
from web.render import wants_part
from web.troubles import in_plain_words
from web.visitor import PATIENCE_S, RepeatKey, Visitors, catch_up, remember

PAGE = 50
# In a musician's words, in the order of how much they allow.
RIGHTS = (("listen", "Listen"), ("comment", "Listen and comment"), ("edit", "Change the tags too"))


class NotToBeShared(NoCultureError):
    status, code = 422, "not-to-be-shared"

    def __init__(self) -> None:
        super().__init__("Type the e-mail address of somebody with an account here, then share")


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]
    Sent = Annotated[Typed, Form()]

    @routes.get("/shared")
    def shared(
        request: Request, caller: Visitor, cursor: Annotated[Cursor | None, Query()] = None
    ) -> Response:
        catch_up(request, tools.progress, "grants", "vault")
        tracks = tools.vault.shared(caller, limit=PAGE, cursor=cursor)
        return tools.renderer.page(request, "vault/shared.html", tracks=tracks, rights=dict(RIGHTS))

    @routes.post("/assets/{asset_id}/grants")
    def share(
        request: Request,
        asset_id: Ref,
        caller: Author,
        key: RepeatKey,
        right: Sent = "listen",
        email: Sent = "",
        account_id: Sent = "",
    ) -> Response:
        """With an address, or another right for an account that it is shared with."""
        try:
            said = {"account_id": account_id} if account_id else {"email": email.strip()}
            command = ShareAsset.model_validate({**said, "right": right})
            if command.email is not None:
                tools.limits.check(request, "share-address", caller.account_id)
            _, committed = tools.sharing.share(caller, asset_id, command, key)
        except ValidationError as error:
            return refused(request, caller, asset_id, NotToBeShared(), email, error)
        except NoCultureError as error:
            return refused(request, caller, asset_id, error, email, error)
        return done(request, caller, asset_id, committed.position)

    @routes.post("/assets/{asset_id}/grants/{account_id}/end")
    def end(
        request: Request, asset_id: Ref, account_id: Ref, caller: Author, key: RepeatKey
    ) -> Response:
        """Somebody whom it is shared with leaves it, or the owner takes it back."""
        try:
            position = tools.sharing.end(caller, asset_id, account_id, key).position
        except NoCultureError as error:
            # Somebody who left it themselves meanwhile: the dialog shows who is left.
            if error.status != 404 or not wants_part(request):
                raise
            return part(request, caller, asset_id)
        if account_id == caller.account_id:
            response = RedirectResponse("/shared", 303)
            remember(request, response, position)
            return response
        return done(request, caller, asset_id, position)

    def done(request: Request, caller: Caller, asset_id: str, position: int) -> Response:
        if wants_part(request):
            tools.progress.wait_until("grants", position, PATIENCE_S)
            response: Response = part(request, caller, asset_id)
        else:
            response = RedirectResponse(f"/assets/{asset_id}", 303)
        remember(request, response, position)
        return response

    def refused(
        request: Request,
        caller: Caller,
        asset_id: str,
        error: NoCultureError,
        email: str,
        cause: Exception,
    ) -> Response:
        """Says it in the dialog, beside what was typed; whoever may not share gets the refusal."""
        if not wants_part(request) or error.status in (403, 404):
            raise error from cause
        shown = {"problem": in_plain_words(error), "typed": email}
        return part(request, caller, asset_id, error.status, **shown)

    def part(
        request: Request, caller: Caller, asset_id: str, status: int = 200, **said: Any
    ) -> Response:
        asset = tools.vault.get(caller, asset_id)
        shown = sharing_of(tools, caller, asset) | {"answers": True} | said
        return tools.renderer.part(
            request, "vault/_asset_sharing.html", status, asset=asset, **shown
        )

    return routes


def sharing_of(tools: VaultTools, caller: Caller, asset: AssetDto) -> dict[str, Any]:
    """Fills the dialog of a track of one's own; nothing for somebody else's."""
    grants = [] if asset.shared else tools.vault.grants(caller, asset.id).data
    said = {"problem": None, "typed": "", "answers": False}
    return {"grants": grants, "rights": dict(RIGHTS), **said}
