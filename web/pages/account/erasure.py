"""Deleting one's account, and the page that follows it to its end: without a session."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from kit import cookies
from kit.caller import Caller, Proof
from kit.limits import client_address
from read_api.errors import NotVisible
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.account.proving import Proving
from web.pages.account.tools import AccountTools
from web.troubles import of_password
from web.visitor import Visitors, remember

CONFIRMATION = "delete my account"
_LAST_STEPS = (
    ("Made unreadable", "Your name, your address and your words cannot be read any more."),
    ("Proven", "Your data is gone from every part of NoCulture, and the certificate is signed."),
)
_STEPS = {
    "account": (
        ("Closed", "You are signed out everywhere; your address is free again."),
        ("Tracks deleted", "With their waveforms, covers and copies."),
        *_LAST_STEPS,
    ),
    "person": (
        ("Asked for", "Your address is free again."),
        ("Mails deleted", "Every mail that we kept for you is deleted."),
        *_LAST_STEPS,
    ),
}


class NotConfirmed(NoCultureError):
    status, code = 422, "not-confirmed"

    def __init__(self) -> None:
        super().__init__(f"Type “{CONFIRMATION}” to confirm: deleting an account cannot be undone")


def router(tools: AccountTools) -> APIRouter:
    visitors, proving = Visitors(tools), Proving(tools)
    routes = APIRouter(dependencies=[Depends(visitors.greeted)])

    def show(request: Request, caller: Caller, error: NoCultureError | None = None) -> Response:
        return tools.renderer.page(
            request,
            "account/delete_account.html",
            error.status if error else 200,
            account=tools.profile.get(caller),
            confirmation=CONFIRMATION,
            problem=of_password(error) if error else None,
        )

    @routes.get("/account/delete")
    def delete_page(
        request: Request, caller: Annotated[Caller, Depends(visitors.signed_in)]
    ) -> Response:
        return show(request, caller)

    @routes.post("/account/delete")
    def delete_account(
        request: Request,
        caller: Annotated[Caller, Depends(proving.author)],
        confirmation: Annotated[Typed, Form()] = "",
    ) -> Response:
        try:
            if " ".join(confirmation.casefold().split()) != CONFIRMATION:
                raise NotConfirmed
            if asked := proving.asked(request, caller, Proof.ONE, {"confirmation": confirmation}):
                return asked
            erasure_id, committed = tools.erasures.request(caller)
        except NoCultureError as error:
            return show(request, caller, error)
        response = RedirectResponse(f"/erasures/{erasure_id}", 303)
        cookies.clear_session(request, response)
        remember(request, response, committed.position)
        return response

    @routes.get("/erasures/{erasure_id}")
    def erasure_page(request: Request, erasure_id: Ref) -> Response:
        """How far it is; whoever has the address may look."""
        tools.limits.check(request, "unverified", client_address(request))
        erasure = tools.erasing.get(erasure_id)
        steps = _STEPS[erasure.subject]
        done = {"requested": 1, "erasing": 2, "erased": len(steps)}[erasure.state]
        if any(consumer.acknowledged for consumer in erasure.consumers):
            done = max(done, 3)
        response = tools.renderer.page(
            request, "account/erasure.html", erasure=erasure, steps=steps, done=done
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.get("/erasures/{erasure_id}/certificate.json")
    def certificate(request: Request, erasure_id: Ref) -> Response:
        tools.limits.check(request, "unverified", client_address(request))
        found = tools.erasing.get(erasure_id).certificate
        if found is None:
            raise NotVisible("The certificate")
        name = f'attachment; filename="erasure-{erasure_id}.json"'
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        return Response(text, media_type="application/json", headers={"Content-Disposition": name})

    return routes
