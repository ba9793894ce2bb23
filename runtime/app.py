"""The API process put together: commands, queries and pages on one ASGI app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

import web.app
import web.pages.home
from events import tracing
from events.log.tail import LogTail
from kit.gathering import Gathering
from kit.install import install_kit
from kit.limits import RateLimits
from kit.paging import Cursors
from kit.policies import Policy
from kit.tokens import Signer
from kit.turns import TakeTurns
from runtime.areas import ALL, AREAS, account
from runtime.areas.area import Served, Serving
from runtime.areas.gathering import check_paths, gather_exports, gather_places
from runtime.composition import Core
from runtime.installation import version
from runtime.observability.tracing import TraceRequests
from web.home import Home
from web.sections import Navigation
from web.tools import PageTools


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that answers HTTP, and by area's name what is behind it."""

    app: FastAPI
    served: Mapping[str, Served]


def build_app(core: Core, tail: LogTail) -> FastAPI:
    """Everything that answers HTTP, over one core."""
    return compose(core, tail).app


def compose(core: Core, tail: LogTail, *policies: Policy) -> Application:
    """Puts the API together. `policies` replace the rate limits of the same name."""
    settings = core.settings
    limits = RateLimits(core.pool, (*ALL.limits.values(), *policies))
    cursors = Cursors(Signer(settings.secrets.signing_key))
    look = web.app.load_look(area.words(ALL) for area in AREAS)
    access = account.access_by(core, account.commands_of(core, ALL, limits))
    exports = gather_exports(((a.name, a.export(core, cursors)) for a in AREAS), ALL.scopes)
    serving = Serving(core, tail, ALL, cursors, limits, look.renderer)
    served = {area.name: area.serve(serving, access, exports) for area in AREAS}
    shares = served.values()
    for name, share in served.items():
        check_paths(name, share)
    home = Home(share.home for share in shares if share.home is not None)
    home_pages = web.pages.home.router(
        PageTools(
            renderer=look.renderer,
            authenticated=access.authenticated,
            progress=core.progress,
            limits=limits,
        ),
        home,
    )
    placed = [
        ("home", web.pages.home.SECTIONS, [home_pages]),
        *((area.name, area.sections(), served[area.name].pages) for area in AREAS),
    ]
    entries = [entry for _, own, _ in placed for entry in own]
    look.renderer.navigation = Navigation(entries, gather_places(placed))
    look.renderer.needs = lambda caller: len(home.needs(caller))

    app = FastAPI(
        title="NoCulture OS", version=version(), docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.close = lambda: _close(shares)
    for router in (router for share in shares for router in share.routers):
        app.include_router(router)
    pages = [home_pages, *(page for share in shares for page in share.pages)]
    app.include_router(web.app.router(look, pages))
    app.add_route("/openapi.json", described(app), include_in_schema=False)
    if tracing.on:
        app.add_middleware(TraceRequests)
    # Innermost: a turn begins when the request's body is here.
    app.add_middleware(TakeTurns, costly=[each for share in shares for each in share.costly])
    install_kit(
        app,
        settings.site,
        [path for share in shares for path in share.streams],
        web.app.problem_page(look, access.authenticated),
    )
    for middleware, arguments in (each for share in shares for each in share.middleware):
        app.add_middleware(middleware, **arguments)
    return Application(app, served)


def _close(shares: Iterable[Served]) -> None:
    for share in shares:
        if share.close is not None:
            share.close()


def described(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    """GET /openapi.json, made once and on a thread of its own: FastAPI takes a second to make it,
    and then 10 ms for each request, in which nobody else is answered.
    """
    made: list[bytes] = []

    def make(asked: Sequence[None]) -> list[bytes]:
        if not made:
            made.append(bytes(JSONResponse(app.openapi()).body))
        return made * len(asked)

    making = Gathering(make)

    async def openapi(request: Request) -> Response:
        document = made[0] if made else await making.ask(None)
        return Response(document, media_type="application/json")

    return openapi
