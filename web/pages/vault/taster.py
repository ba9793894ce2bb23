"""The demo's tracks for a vault that is empty: something to hear and find before the own music."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from kit.caller import Caller
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, remember


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    @routes.post("/vault/taster")
    def add(request: Request, caller: Annotated[Caller, Depends(visitors.with_token)]) -> Response:
        """Adds each once: its bytes are the same for everybody, so sent again nothing changes."""
        kept = [tools.assets.upload(caller, name, [content]) for name, content in tools.taster()]
        response = RedirectResponse("/vault?done=uploaded", 303)
        remember(request, response, max(each.position for each in kept))
        return response

    return routes
