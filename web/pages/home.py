"""Home, and the inbox: what needs the musician, what is running, what is new, from all areas."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from kit.caller import Caller
from web import welcome
from web.home import Home
from web.sections import Section
from web.tools import PageTools
from web.visitor import Visitors, catch_up

SECTIONS = (
    Section(name="Home", path="/", icon="home", order=0, pages=("home",)),
    Section(name="Inbox", path="/inbox", icon="inbox", order=10, pages=("inbox",), counted=True),
)
# The others stand in the inbox.
FIRST_NEEDS = 5


def router(tools: PageTools, home: Home) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    @routes.get("/", name="home")
    def start(
        request: Request, visitor: Annotated[Caller | None, Depends(visitors.maybe)]
    ) -> Response:
        if visitor is None or visitor.session_id is None:
            return RedirectResponse("/sign-up", 303)
        catch_up(request, tools.progress, *home.views)
        needs = home.needs(visitor)
        response = tools.renderer.page(
            request,
            "home.html",
            needed=needs[:FIRST_NEEDS],
            more=len(needs) - FIRST_NEEDS,
            running=home.running(visitor),
            new=home.new(visitor),
            first=home.first(visitor),
            welcome=welcome.is_due(request),
        )
        welcome.forget(request, response)
        return response

    @routes.get("/inbox")
    def inbox(request: Request, caller: Annotated[Caller, Depends(visitors.signed_in)]) -> Response:
        catch_up(request, tools.progress, *home.views)
        return tools.renderer.page(request, "inbox.html", needed=home.needs(caller))

    return routes
