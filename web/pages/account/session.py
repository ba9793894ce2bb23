"""Answers a page's script about the session: whose it is now, and the token for their forms."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from kit.caller import Caller
from web.form_token import masked
from web.pages.account.tools import AccountTools
from web.visitor import Visitors


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    @routes.get("/session")
    def session(caller: Annotated[Caller, Depends(visitors.signed_in)]) -> JSONResponse:
        """Answers 401 when nobody is signed in."""
        shown = {
            "account_id": caller.account_id,
            "email": tools.profile.get(caller).email,
            "form_token": masked(caller.csrf_token or ""),
        }
        return JSONResponse(shown, headers={"Cache-Control": "no-store"})

    return routes
