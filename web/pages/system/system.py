"""The installation itself, for its operator."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from kit.caller import Caller
from schemas.errors import NoCultureError
from web.forms import Typed
from web.pages.system.tools import SystemTools
from web.render import wants_part
from web.visitor import Visitors, remember

MAX_EMAIL = 320
_NOTICES = {"signed-out": "The account is signed out everywhere and has to sign in again."}
_NOBODY = "No account here has this e-mail address. Check its spelling."


def router(tools: SystemTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    def show(request: Request, status: int = 200, **more: str | None) -> Response:
        template = "system/_system.html" if wants_part(request) else "system/system.html"
        shown = {"notice": None, "problem": None, "email": ""} | more
        return tools.renderer.page(
            request, template, status, system=tools.system.state(), mode=tools.system.mode, **shown
        )

    @routes.get("/system", dependencies=[Depends(visitors.operator)])
    def system_page(request: Request) -> Response:
        return show(request, notice=_NOTICES.get(request.query_params.get("done", "")))

    @routes.post("/system/sign-out")
    def sign_out(
        request: Request,
        caller: Annotated[Caller, Depends(visitors.operator_with_token)],
        email: Annotated[Typed, Form()] = "",
    ) -> Response:
        """Ends every session of whoever has this address."""
        try:
            committed = tools.sign_out(email[:MAX_EMAIL].strip(), caller)
        except NoCultureError as error:
            if error.status != 404:
                raise
            return show(request, 404, problem=_NOBODY, email=email)
        response = RedirectResponse("/system?done=signed-out", 303)
        remember(request, response, committed.position)
        return response

    return routes
