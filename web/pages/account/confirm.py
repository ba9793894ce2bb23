"""The page that confirms that it is still the owner, for the page's script and for itself."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from kit.caller import Caller, Proof
from web.forms import Typed
from web.pages.account.entrance import local_path
from web.pages.account.proving import Proving
from web.pages.account.tools import AccountTools
from web.visitor import Visitors

PAGE = "/account/confirm"


def router(tools: AccountTools) -> APIRouter:
    routes = APIRouter()
    visitors, proving = Visitors(tools), Proving(tools)

    @routes.get(PAGE)
    def confirm_page(
        request: Request, caller: Annotated[Caller, Depends(visitors.signed_in)]
    ) -> Response:
        """Asks even whoever has just confirmed it: the script has been told that it is needed."""
        response = proving.page(request, caller, Proof.ALL, {})
        response.status_code = 200
        return response

    @routes.post(PAGE)
    def confirm(
        request: Request, caller: Annotated[Caller, Depends(proving.author)], next: Typed = ""
    ) -> Response:
        asked = proving.asked(request, caller, Proof.ALL)
        return asked or RedirectResponse(local_path(next), 303)

    return routes
