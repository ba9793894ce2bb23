"""Measuring a whole vault again: the question, how far it is, and how it is stopped."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from commands.vault.analyses import ReanalysisRunning, RequestReanalysis
from kit.caller import Caller
from schemas.errors import NoCultureError
from schemas.text import Ref
from schemas.vault.analyses import ReanalysisDto
from web import looks
from web.pages.vault.tools import VaultTools
from web.visitor import Visitors, catch_up, remember

# For this long the vault's page says how a measuring again ended.
TOLD_FOR = timedelta(minutes=10)
MEASURABLE = ("analysed", "analysis_failed")


def router(tools: VaultTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)
    Visitor = Annotated[Caller, Depends(visitors.signed_in)]
    Author = Annotated[Caller, Depends(visitors.with_token)]

    @routes.get("/vault/measuring")
    def question(request: Request, caller: Visitor) -> Response:
        catch_up(request, tools.progress, "vault", "reanalyses")
        by_state = tools.vault.stats(caller).by_state
        return tools.renderer.page(
            request,
            "vault/measuring.html",
            count=sum(count for state, count in by_state.items() if state in MEASURABLE),
            again=tools.reanalyses.newest(caller),
        )

    @routes.post("/vault/measuring")
    def start(request: Request, caller: Author) -> Response:
        response = RedirectResponse("/vault", 303)
        try:
            _, committed = tools.measuring.request(caller, RequestReanalysis())
        except ReanalysisRunning:
            # Asked for twice, or in another tab: the vault shows the one that is under way.
            return response
        remember(request, response, committed.position)
        return response

    @routes.post("/vault/measuring/{reanalysis_id}/stop")
    def stop(request: Request, reanalysis_id: Ref, caller: Author) -> Response:
        response = RedirectResponse("/vault", 303)
        try:
            committed = tools.measuring.cancel(caller, reanalysis_id)
        except NoCultureError as error:
            if error.status != 409:
                raise
            # The measuring ended by itself meanwhile: the vault says how.
            return response
        remember(request, response, committed.position)
        return response

    return routes


def counted(tracks: int) -> str:
    return "1 track" if tracks == 1 else f"{looks.grouped(tracks)} tracks"


def told(tools: VaultTools, caller: Caller) -> ReanalysisDto | None:
    """Picks the measuring that the vault's page tells of: under way, or ended a moment ago."""
    newest = tools.reanalyses.newest(caller)
    if newest is None or newest.state == "running":
        return newest
    ended = newest.finished_at
    return newest if ended and datetime.now(UTC) - ended < TOLD_FOR else None
