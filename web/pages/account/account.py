"""The account: API keys, appearance, export."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.account.accounts import ChangePassword
from commands.account.address_codes_http import count_address_code
from commands.account.keys import IssueKey
from commands.account.sessions import renew
from kit.caller import Caller, Proof
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web.forms import Typed
from web.pages.account.proving import Proving
from web.pages.account.tools import AccountTools
from web.pages.account.words import TOO_SHORT
from web.render import wants_part
from web.troubles import in_plain_words, of_password
from web.visitor import RepeatKey, Visitors, catch_up, remember

_NOTICES = {
    "revoked": "The key is revoked and no longer works.",
    "password": "Your new password is set. You are signed out everywhere else.",
    "verified": "Your address is verified.",
    "mailed": "We mailed a new code to your address.",
}


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]
    proving = Proving(tools)

    def show(request: Request, caller: Caller, status: int = 200, **more: Any) -> Response:
        shown = {
            "keys": tools.keys.of(caller),
            "scopes": tools.keys.offered(caller),
            "made": None,
            "problem": None,
            "password_problem": None,
            "address_problem": None,
            "notice": None,
        } | more
        if wants_part(request):
            return tools.renderer.part(request, "account/_keys.html", status, **shown)
        return tools.renderer.page(
            request,
            "account/account.html",
            status,
            account=tools.profile.get(caller),
            has_password=tools.accounts.has_password(caller),
            needs_code=tools.proofs.has_second_factor(caller.account_id)
            and caller.proof < Proof.ALL,
            verified=tools.address_codes.is_verified(caller.account_id),
            **shown,
        )

    @routes.get("/account")
    def account_page(request: Request, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "accounts")
        return show(request, caller, notice=_NOTICES.get(request.query_params.get("done", "")))

    @routes.post("/account/keys")
    def make_key(
        request: Request,
        caller: Annotated[Caller, Depends(proving.author)],
        key: RepeatKey,
        name: Annotated[Typed, Form()] = "",
        scopes: Annotated[list[Typed] | None, Form()] = None,
    ) -> Response:
        """The answer itself shows the key: it is shown once, so there is nowhere to go to."""
        fields = {"name": name, "scopes": scopes or []}
        if asked := proving.asked(request, caller, Proof.ALL, fields):
            return asked
        try:
            wanted = IssueKey(name=name, scopes=scopes or [])
            made, committed = tools.keys.issue(caller, wanted, key)
        except ValidationError as error:
            needed = "A key needs a name and at least one permission: fill in both."
            problem = refusal(error) or needed
            return show(request, caller, 422, problem=problem)
        except NoCultureError as error:
            return show(request, caller, error.status, problem=in_plain_words(error))
        if made.key is None:
            problem = (
                f"“{made.name}” was made already, and a key is shown only once:"
                " revoke it and make a new one."
            )
            return show(request, caller, 409, problem=problem)
        response = show(request, caller, made=made)
        response.headers["Cache-Control"] = "no-store"
        remember(request, response, committed.position)
        return response

    @routes.post("/account/keys/{key_id}/revoke")
    def revoke_key(request: Request, key_id: Ref, caller: Author) -> Response:
        committed = tools.keys.revoke(caller, key_id)
        if wants_part(request):
            response: Response = show(request, caller)
        else:
            response = RedirectResponse("/account?done=revoked", 303)
        remember(request, response, committed.position)
        return response

    @routes.post("/account/password")
    def change_password(
        request: Request,
        caller: Author,
        password: Annotated[Typed, Form()] = "",
        current_password: Annotated[Typed, Form()] = "",
        code: Annotated[Typed, Form()] = "",
        revoke_keys: Annotated[list[Typed] | None, Form()] = None,
    ) -> Response:
        tools.limits.check(request, "sign-in", caller.account_id)
        try:
            command = ChangePassword.model_validate(
                {
                    "password": password,
                    "current_password": current_password or None,
                    "code": code or None,
                    "revoke_keys": revoke_keys or [],
                }
            )
            committed = tools.accounts.change_password(caller, command)
        except ValidationError as error:
            problem = refusal(error) or TOO_SHORT
            return show(request, caller, 422, password_problem=problem)
        except NoCultureError as error:
            return show(request, caller, error.status, password_problem=of_password(error))
        response = RedirectResponse("/account?done=password", 303)
        renew(request, response, tools.sessions, caller)
        tools.sessions.devices.remember(request, response, caller.account_id)
        remember(request, response, committed.position)
        return response

    @routes.post("/account/address/verify")
    def verify_address(
        request: Request, caller: Author, code: Annotated[Typed, Form()] = ""
    ) -> Response:
        try:
            tools.limits.check(request, "sign-in", caller.account_id)
            committed = tools.address_codes.verify(caller, code[:40])
        except NoCultureError as error:
            return show(request, caller, error.status, address_problem=in_plain_words(error))
        response = RedirectResponse("/account?done=verified", 303)
        if committed is not None:
            remember(request, response, committed.position)
        return response

    @routes.post("/account/address/code")
    def mail_address_code(request: Request, caller: Author) -> Response:
        try:
            count_address_code(tools.limits, request, tools.email_key_of(caller.account_id))
            tools.address_codes.ask(caller)
        except NoCultureError as error:
            return show(request, caller, error.status, address_problem=in_plain_words(error))
        return RedirectResponse("/account?done=mailed", 303)

    return routes
