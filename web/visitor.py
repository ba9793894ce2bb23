"""The visitor of a page, and what they must already see: session, form tokens, own writes."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from kit import asking
from kit.auth import Authenticate, require
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.limits import client_address
from kit.places import Places
from kit.positions import Progress
from read_api.errors import ViewNotReady
from schemas.errors import NoCultureError
from web import form_token
from web.forms import Typed
from web.tools import PageTools

log = logging.getLogger(__name__)
POSITION_COOKIE = "noculture_position"
REMEMBERED_S = 120
PATIENCE_S = 2.0
# Each waiting page holds one of forty threads.
WAITING, WAITING_OF_ACCOUNT = 16, 4
_WAITING = Places(WAITING, ViewNotReady)


# The key that the page's script sends with a form, so that sending it again changes nothing twice.
RepeatKey = Annotated[str | None, Depends(idempotency_key)]


class SignInNeeded(NoCultureError):
    """`WWW-Authenticate` tells the page's script that the session is over, and not, say, that a
    password was wrong, which is a 401 too.
    """

    status, code = 401, "sign-in-needed"
    headers = {"WWW-Authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__("Sign in to see this page")


class Visitors:
    """Dependencies of page handlers."""

    def __init__(self, tools: PageTools) -> None:
        self._authenticated = tools.authenticated
        self._find = tools.authenticated.find

    def signed_in(self, request: Request) -> Caller:
        """Raises SignInNeeded (401), which the problem page turns into the way to the sign-in."""
        caller = self._find(request)
        if caller is None or caller.session_id is None:
            raise SignInNeeded
        return caller

    def with_token(self, request: Request, csrf_token: Annotated[Typed, Form()] = "") -> Caller:
        """For forms that change something. Raises FormTokenMismatch (403)."""
        caller = self.signed_in(request)
        form_token.check(caller, csrf_token)
        return caller

    def operator(self, request: Request) -> Caller:
        """For pages of this installation's operators. Raises what `require` does."""
        caller = self.signed_in(request)
        require(caller, "operator")
        return caller

    def operator_with_token(
        self, request: Request, csrf_token: Annotated[Typed, Form()] = ""
    ) -> Caller:
        """For their forms that change something. Raises FormTokenMismatch (403) too."""
        caller = self.with_token(request, csrf_token)
        require(caller, "operator")
        return caller

    def maybe(self, request: Request) -> Caller | None:
        return self._find(request)

    def greeted(self, request: Request) -> None:
        """For pages that are open to everybody."""
        greet(request, self._authenticated)


def greet(request: Request, authenticated: Authenticate) -> None:
    """Shows the navigation to whoever is signed in, on pages that are open to everybody."""
    try:
        authenticated.find(request)
    except NoCultureError as error:
        # An open page is shown even to a revoked key or above a limit.
        log.debug("nobody is greeted: %s", error)


def remember(request: Request, response: Response, position: int) -> None:
    """The next page of this browser shows at least this position."""
    response.set_cookie(
        POSITION_COOKIE,
        str(max(position, _remembered(request))),
        max_age=REMEMBERED_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def catch_up(request: Request, progress: Progress, *views: str) -> None:
    """Wait until the views show what this browser wrote or heard of; an older page beats none."""
    wanted = max(_remembered(request), _digits(request.headers.get("min-position")))
    if not wanted:
        return
    caller = asking.caller()
    whose = f"network {client_address(request)}" if caller is None else caller.account_id
    try:
        place = _WAITING.take({whose: (WAITING_OF_ACCOUNT, ViewNotReady)})
    except ViewNotReady:
        # A position that never comes must not hold every thread: the page is shown as it is.
        return
    try:
        for view in views:
            progress.wait_until(view, wanted, PATIENCE_S)
    except NoCultureError as error:
        # In the first seconds of an installation the view is not registered yet.
        raise ViewNotReady from error
    finally:
        place.leave()


def _remembered(request: Request) -> int:
    return _digits(request.cookies.get(POSITION_COOKIE))


def _digits(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
