"""Coming in and going out: sign-up, sign-in, its second step, one-time links, sign-out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.account.accounts import RegisterAccount
from commands.account.second_factor import WrongCode
from commands.account.sessions import SESSION_S, user_agent
from commands.account.signing_in import Ticket
from kit import cookies
from kit.backoff import TooManyGuesses
from kit.caller import Caller
from kit.csrf import refuse_foreign
from kit.limits import client_address
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web import welcome
from web.forms import Typed
from web.pages.account.tools import AccountTools
from web.pages.account.words import TOO_SHORT
from web.troubles import in_plain_words
from web.visitor import Visitors, remember

HOME = "/"
_SIGNED_OUT = "You were signed out. Sign in to go on where you were."
_NOT_SIGNED_IN = "You were signed out, or have not signed in here yet. Sign in to go on."
_RESET = "Your new password is set, and you are signed out everywhere. Sign in with it."
_WRONG = {
    "email": "This is not an e-mail address: check its spelling.",
    "password": TOO_SHORT,
    "name": "Type a name that we can call you by.",
}


def router(tools: AccountTools) -> APIRouter:
    visitors = Visitors(tools)
    routes = APIRouter(dependencies=[Depends(visitors.greeted)])
    Visitor = Annotated[Caller | None, Depends(visitors.maybe)]

    def form_page(
        request: Request, *, signing_up: bool, status: int = 200, next: str = "", **shown: object
    ) -> Response:
        heading = "Create your account" if signing_up else "Sign in"
        form = {name: shown.get(name, "") for name in ("name", "email")}
        return tools.renderer.page(
            request,
            "account/entrance.html",
            status,
            signing_up=signing_up,
            heading=heading,
            next=next,
            form=form,
            problem=shown.get("problem"),
            notice=shown.get("notice"),
        )

    def code_page(
        request: Request, ticket: str, next: str, error: NoCultureError | None = None
    ) -> Response:
        response = tools.renderer.page(
            request,
            "account/second_step.html",
            error.status if error else 200,
            ticket=ticket,
            next=next,
            problem=in_plain_words(error) if error else None,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def admit(request: Request, token: str, account_id: str, next: str) -> Response:
        """A fresh session; an earlier one of this browser ends."""
        earlier = cookies.session_token(request)
        if earlier is not None:
            tools.sessions.end(earlier)
        response = RedirectResponse(local_path(next), 303)
        cookies.set_session(request, response, token, SESSION_S)
        tools.sessions.devices.remember(request, response, account_id)
        return response

    @routes.get("/sign-up")
    def sign_up_page(request: Request, visitor: Visitor) -> Response:
        return RedirectResponse(HOME, 303) if visitor else form_page(request, signing_up=True)

    @routes.post("/sign-up")
    def sign_up(
        request: Request,
        email: Annotated[Typed, Form()] = "",
        password: Annotated[Typed, Form()] = "",
        name: Annotated[Typed, Form()] = "",
    ) -> Response:
        refuse_foreign(request)
        try:
            command = RegisterAccount(email=email, password=password, name=name)
            registered = tools.signing_up.register(request, command)
        except (ValidationError, NoCultureError) as error:
            status, problem = _told(error)
            return form_page(
                request, signing_up=True, status=status, problem=problem, email=email, name=name
            )
        token = tools.sessions.start(registered.login, user_agent(request), None)
        response = admit(request, token, registered.account.id, HOME)
        welcome.remember(request, response)
        remember(request, response, registered.committed.position)
        return response

    @routes.get("/sign-in")
    def sign_in_page(request: Request, visitor: Visitor, next: Typed = "") -> Response:
        if visitor:
            return RedirectResponse(local_path(next), 303)
        return form_page(request, signing_up=False, next=next, notice=notice_of(request, next))

    @routes.post("/sign-in")
    def sign_in(
        request: Request,
        email: Annotated[Typed, Form()] = "",
        password: Annotated[Typed, Form()] = "",
        next: Annotated[Typed, Form()] = "",
    ) -> Response:
        refuse_foreign(request)
        try:
            begun = tools.signing_in.begin(request, email, password)
        except NoCultureError as error:
            return form_page(
                request,
                signing_up=False,
                status=error.status,
                problem=in_plain_words(error),
                email=email,
                next=next,
            )
        if isinstance(begun, Ticket):
            return code_page(request, begun.text, next)
        return admit(request, begun.token, begun.login.account_id, next)

    @routes.post("/second-step")
    def second_step(
        request: Request,
        ticket: Annotated[Typed, Form()] = "",
        code: Annotated[Typed, Form()] = "",
        next: Annotated[Typed, Form()] = "",
    ) -> Response:
        refuse_foreign(request)
        try:
            signed_in = tools.signing_in.finish(request, ticket, code[:40])
        except (WrongCode, TooManyGuesses) as error:
            return code_page(request, ticket, next, error)
        except NoCultureError as error:
            return form_page(
                request,
                signing_up=False,
                status=error.status,
                problem=in_plain_words(error),
                next=next,
            )
        return admit(request, signed_in.token, signed_in.login.account_id, next)

    # A GET would let mail scanners and link previews use the link up: people press a button.
    @routes.get("/sign-in/{token}")
    def link_page(request: Request, token: Ref) -> Response:
        return tools.renderer.page(request, "account/link.html")

    @routes.post("/sign-in/{token}")
    def redeem(request: Request, token: Ref) -> Response:
        refuse_foreign(request)
        tools.limits.check(request, "unverified", client_address(request))
        signed_in = tools.sessions.redeem(token, user_agent(request))
        response = admit(request, signed_in.token, signed_in.login.account_id, HOME)
        if signed_in.login.operator:
            welcome.remember(request, response)
        return response

    @routes.post("/sign-out")
    def sign_out(
        request: Request, caller: Annotated[Caller, Depends(visitors.with_token)]
    ) -> Response:
        token = cookies.session_token(request)
        if token is not None:
            tools.sessions.end(token)
        response = RedirectResponse("/sign-in", 303)
        cookies.clear_session(request, response)
        return response

    return routes


def notice_of(request: Request, next: str) -> str | None:
    """Says why the form is shown. A browser drops the cookie of a session that ended by age, so
    those who were signed in then look like those who never were.
    """
    if request.query_params.get("done") == "reset":
        return _RESET
    if not next:
        return None
    return _SIGNED_OUT if cookies.session_token(request) else _NOT_SIGNED_IN


def local_path(wanted: str) -> str:
    """Only a path of this site: `//elsewhere` and `/\\elsewhere` are other sites to a browser."""
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if local else HOME


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, NoCultureError):
        return error.status, in_plain_words(error)
    assert isinstance(error, ValidationError)
    if (unkept := refusal(error)) is not None:
        return 422, unkept
    fields = dict.fromkeys(str(found["loc"][0]) for found in error.errors())
    return 422, " ".join(_WRONG.get(field, "Check the fields again.") for field in fields)
