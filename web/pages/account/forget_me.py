"""Being forgotten without an account: asking for the mail, and the page that its link leads to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from commands.account.party_erasures import ErasureLinkSpent
from kit.csrf import refuse_foreign
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.account.tools import AccountTools
from web.troubles import in_plain_words
from web.visitor import Visitors, remember


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter(dependencies=[Depends(Visitors(tools).greeted)])

    def ask_page(
        request: Request, *, asked: bool = False, error: NoCultureError | None = None
    ) -> Response:
        return tools.renderer.page(
            request,
            "account/forget_me.html",
            error.status if error else 200,
            asked=asked,
            problem=in_plain_words(error) if error else None,
        )

    @routes.get("/forget-me")
    def forget_me_page(request: Request) -> Response:
        return ask_page(request)

    @routes.post("/forget-me")
    def ask(request: Request, email: Annotated[Typed, Form()] = "") -> Response:
        """The same page for every address."""
        refuse_foreign(request)
        try:
            tools.party_erasures.ask(request, email)
        except NoCultureError as error:
            return ask_page(request, error=error)
        return ask_page(request, asked=True)

    def confirm_page(
        request: Request, status: int = 200, error: NoCultureError | None = None
    ) -> Response:
        response = tools.renderer.page(
            request,
            "account/forget_me_link.html",
            status,
            problem=in_plain_words(error) if error else None,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    # A GET leaves the link unused, because mail scanners follow links too.
    @routes.get("/forget-me/{token}")
    def link_page(request: Request, token: Ref) -> Response:
        try:
            tools.party_erasures.check(request, token[:200])
        except ErasureLinkSpent as spent:
            return confirm_page(request, error=spent)
        return confirm_page(request)

    @routes.post("/forget-me/{token}")
    def confirm(request: Request, token: Ref) -> Response:
        refuse_foreign(request)
        try:
            erasure_id, committed = tools.party_erasures.erase(request, token[:200])
        except NoCultureError as error:
            return confirm_page(request, error.status, error)
        response = RedirectResponse(f"/erasures/{erasure_id}", 303)
        remember(request, response, committed.position)
        return response

    return routes
