"""The installation itself, for its operator."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from kit.auth import MissingScope
from kit.caller import Caller
from web.parts import Parts
from web.render import wants_part
from web.visitor import Visitors


def router(parts: Parts) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(parts)

    @routes.get("/system")
    def system_page(
        request: Request, caller: Annotated[Caller, Depends(visitors.signed_in)]
    ) -> Response:
        if not caller.may("operator"):
            raise MissingScope("operator")
        template = "_system.html" if wants_part(request) else "system.html"
        return parts.renderer.page(request, template, system=parts.system.state())

    return routes
