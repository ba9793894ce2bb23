"""A forgotten password: asking for the mail, and the page that its link leads to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.account.recovery import ResetSpent, SetPassword
from kit.csrf import refuse_foreign
from schemas.account.dto import KeyDto
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web.forms import Typed
from web.pages.account.tools import AccountTools
from web.pages.account.words import TOO_SHORT
from web.troubles import in_plain_words
from web.visitor import Visitors


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter(dependencies=[Depends(Visitors(tools).greeted)])

    @routes.get("/forgot-password")
    def forgot_page(request: Request) -> Response:
        return tools.renderer.page(request, "account/forgotten.html", asked=False, problem=None)

    @routes.post("/forgot-password")
    def forgot(request: Request, email: Annotated[Typed, Form()] = "") -> Response:
        """The same page for every address."""
        refuse_foreign(request)
        try:
            tools.recovery.ask(request, email)
        except NoCultureError as error:
            return tools.renderer.page(
                request,
                "account/forgotten.html",
                error.status,
                asked=False,
                problem=in_plain_words(error),
            )
        return tools.renderer.page(request, "account/forgotten.html", asked=True, problem=None)

    def reset_form(
        request: Request, token: str, status: int = 200, problem: str | None = None
    ) -> Response:
        """The keys are shown only to whoever has a link that still works."""
        works, keys = True, list[KeyDto]()
        try:
            keys = tools.recovery.keys_of(request, token[:200])
        except ResetSpent as error:
            works, problem = False, in_plain_words(error)
        response = tools.renderer.page(
            request, "account/reset_password.html", status, problem=problem, keys=keys, works=works
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    # A GET leaves the link unused, because mail scanners follow links too.
    @routes.get("/reset-password/{token}")
    def reset_page(request: Request, token: Ref) -> Response:
        return reset_form(request, token)

    @routes.post("/reset-password/{token}")
    def reset(
        request: Request,
        token: Ref,
        password: Annotated[Typed, Form()] = "",
        revoke_keys: Annotated[list[Typed] | None, Form()] = None,
    ) -> Response:
        refuse_foreign(request)
        try:
            command = SetPassword.model_validate(
                {"token": token[:200], "password": password, "revoke_keys": revoke_keys or []}
            )
            committed = tools.recovery.reset(
                request,
                command.token.get_secret_value(),
                command.password.get_secret_value(),
                command.revoke_keys,
            )
        except ValidationError as error:
            problem = refusal(error) or TOO_SHORT
            return reset_form(request, token, 422, problem)
        except NoCultureError as error:
            return reset_form(request, token, error.status, in_plain_words(error))
        response = RedirectResponse("/sign-in?done=reset", 303)
        tools.sessions.devices.remember(request, response, committed.stream_id, mailed=True)
        return response

    return routes
