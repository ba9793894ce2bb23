"""How one signs in: two-step verification, passkeys, and where one is signed in."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from commands.account.sessions import renew
from kit.caller import Caller, Proof
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.account.proving import Proving
from web.pages.account.tools import AccountTools
from web.troubles import of_password
from web.visitor import Visitors, remember

PAGE = "/account/security"
WAYS_IN = {
    "password": "with the password",
    "second-factor": "with the password and a code",
    "passkey": "with a passkey",
    "link": "by a link",
}
_NOTICES = {
    "ended": "The session is ended: its browser has to sign in again.",
    "others": "You are signed out everywhere else.",
    "off": "Two-step verification is off. Your password alone signs you in.",
    "removed": "The passkey is removed and no longer signs you in.",
    "added": "The passkey is added. You can sign in with it from now on.",
}


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    proving = Proving(tools)
    Author = Annotated[Caller, Depends(proving.author)]
    Sent = Annotated[Typed, Form()]

    def show(request: Request, caller: Caller, status: int = 200, **more: Any) -> Response:
        shown = {"setup": None, "codes": None, "problem": None, "where": "", "notice": None} | more
        response = tools.renderer.page(
            request,
            "account/security.html",
            status,
            factor=tools.second_factors.of(caller),
            passkeys=tools.passkeys.of(caller),
            sessions=tools.sessions.of(caller),
            WAYS_IN=WAYS_IN,
            sign_ins=tools.sign_ins.last(caller),
            has_password=tools.accounts.has_password(caller),
            **shown,
        )
        # The page may show secrets, which somebody else's back button must not find.
        response.headers["Cache-Control"] = "no-store"
        return response

    def refused(request: Request, caller: Caller, where: str, error: NoCultureError) -> Response:
        return show(request, caller, error.status, problem=of_password(error), where=where)

    @routes.get(PAGE)
    def security_page(request: Request, caller: Visitor) -> Response:
        return show(request, caller, notice=_NOTICES.get(request.query_params.get("done", "")))

    @routes.post(f"{PAGE}/sessions/{{session_id}}/end")
    def end_session(request: Request, session_id: Ref, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ONE):
            return asked
        tools.sessions.end_one(caller, session_id)
        return RedirectResponse(f"{PAGE}?done=ended", 303)

    @routes.post(f"{PAGE}/sessions/end-others")
    def end_others(request: Request, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ONE):
            return asked
        tools.sessions.end_others(caller)
        return RedirectResponse(f"{PAGE}?done=others", 303)

    @routes.post(f"{PAGE}/second-factor")
    def begin(request: Request, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ALL):
            return asked
        try:
            setup = tools.second_factors.begin(caller)
        except NoCultureError as error:
            return refused(request, caller, "factor", error)
        return show(request, caller, setup=setup)

    @routes.post(f"{PAGE}/second-factor/confirm")
    def confirm(request: Request, caller: Author, code: Sent = "") -> Response:
        try:
            codes, committed = tools.second_factors.confirm(caller, code[:40])
        except NoCultureError as error:
            return refused(request, caller, "confirm", error)
        response = show(request, caller, codes=codes.codes)
        renew(request, response, tools.sessions, caller, "second-factor")
        remember(request, response, committed.position)
        return response

    @routes.post(f"{PAGE}/second-factor/codes")
    def new_codes(request: Request, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ALL):
            return asked
        try:
            codes, _ = tools.second_factors.new_codes(caller)
        except NoCultureError as error:
            return refused(request, caller, "factor", error)
        return show(request, caller, codes=codes.codes)

    @routes.post(f"{PAGE}/second-factor/off")
    def turn_off(request: Request, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ALL):
            return asked
        try:
            tools.second_factors.disable(caller)
        except NoCultureError as error:
            return refused(request, caller, "factor", error)
        return RedirectResponse(f"{PAGE}?done=off", 303)

    @routes.post(f"{PAGE}/passkeys/{{passkey_id}}/remove")
    def remove_passkey(request: Request, passkey_id: Ref, caller: Author) -> Response:
        if asked := proving.asked(request, caller, Proof.ALL):
            return asked
        tools.passkeys.remove(caller, passkey_id)
        return RedirectResponse(f"{PAGE}?done=removed", 303)

    return routes
