"""A forgotten password: asking for the mail, and the page that its link leads to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.recovery import SetPassword
from kit.csrf import refuse_foreign
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web.forms import Typed
from web.parts import Parts
from web.troubles import in_plain_words
from web.visitor import Visitors


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(dependencies=[Depends(Visitors(parts).greeted)])

    @routes.get("/forgot-password")
    def forgot_page(request: Request) -> Response:
        return parts.renderer.page(request, "forgotten.html", asked=False, problem=None)

    @routes.post("/forgot-password")
    def forgot(request: Request, email: Annotated[Typed, Form()] = "") -> Response:
        """The same page for every address."""
        refuse_foreign(request)
        try:
            parts.recovery.ask(request, email)
        except NoCultureError as error:
            return parts.renderer.page(
                request, "forgotten.html", error.status, asked=False, problem=in_plain_words(error)
            )
        return parts.renderer.page(request, "forgotten.html", asked=True, problem=None)

    # Looking at it uses nothing up: mail scanners follow links too.
    @routes.get("/reset-password/{token}")
    def reset_page(request: Request, token: Ref) -> Response:
        return parts.renderer.page(request, "reset_password.html", problem=None)

    @routes.post("/reset-password/{token}")
    def reset(request: Request, token: Ref, password: Annotated[Typed, Form()] = "") -> Response:
        refuse_foreign(request)
        try:
            command = SetPassword.model_validate({"token": token[:200], "password": password})
            committed = parts.recovery.reset(
                request, command.token.get_secret_value(), command.password.get_secret_value()
            )
        except ValidationError as error:
            problem = refusal(error) or "A password has at least 8 characters."
            return parts.renderer.page(request, "reset_password.html", 422, problem=problem)
        except NoCultureError as error:
            return parts.renderer.page(
                request, "reset_password.html", error.status, problem=in_plain_words(error)
            )
        response = RedirectResponse("/sign-in?done=reset", 303)
        parts.sessions.devices.remember(request, response, committed.stream_id, mailed=True)
        return response

    return routes
