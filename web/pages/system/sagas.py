"""Sagas for the operator: which of them are stuck, what one did, and a hand for it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from commands.system.operations import MAX_REASON, Action, OperateSaga
from kit.caller import Caller
from read_api.system.sagas import SagaFilters
from schemas.errors import NoCultureError
from schemas.text import Ref, refusal
from web.forms import Typed, Version
from web.pages.system.tools import SystemTools
from web.troubles import in_plain_words
from web.visitor import Visitors, catch_up, remember

SHOWN = {"stuck": "Stuck", "running": "Running", "ended": "Ended", "all": "All"}
STUCK = {
    "command-failing": "a command fails again and again",
    "timer-overdue": "its timer is overdue: is the worker running?",
    "effect-failing": "work on the outside world fails",
    "nothing-pending": "it waits for something that no part does",
}
# Action → its button, and what pressing it means.
HANDS = {
    "retry": ("Retry", "Asks again for what the saga waits for; failed work is tried at once."),
    "skip": ("Skip", "The saga goes on without what it waits for, where that is possible."),
    "abort": ("Abort", "Undoes what can be undone, and ends the saga."),
}
_NOTICES = {
    "retry": "The saga asked again.",
    "skip": "The saga goes on without what it waited for.",
    "abort": "The saga was ended, and what could be undone is being undone.",
}


def router(tools: SystemTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    def show(
        request: Request,
        saga_id: str,
        status: int = 200,
        *,
        problem: str | None = None,
        reason: str = "",
    ) -> Response:
        saga = tools.sagas.get(saga_id)
        done = _NOTICES.get(request.query_params.get("done", ""))
        response = tools.renderer.page(
            request,
            "system/saga.html",
            status,
            saga=saga,
            STUCK=STUCK,
            HANDS=HANDS,
            max_reason=MAX_REASON,
            notice=done if problem is None else None,
            problem=problem,
            reason=reason,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.get("/sagas", dependencies=[Depends(visitors.operator)])
    def sagas_page(request: Request, filters: Annotated[SagaFilters, Query()]) -> Response:
        catch_up(request, tools.progress, "sagas")
        sagas = tools.sagas.list(filters)
        return tools.renderer.page(
            request,
            "system/sagas.html",
            sagas=sagas,
            show=filters.show,
            entries=[(show, label, f"/sagas?show={show}") for show, label in SHOWN.items()],
            SHOWN=SHOWN,
            STUCK=STUCK,
        )

    @routes.get("/sagas/{saga_id}", dependencies=[Depends(visitors.operator)])
    def saga_page(request: Request, saga_id: Ref) -> Response:
        catch_up(request, tools.progress, "sagas")
        return show(request, saga_id)

    @routes.post("/sagas/{saga_id}")
    def operate(
        request: Request,
        saga_id: Ref,
        caller: Annotated[Caller, Depends(visitors.operator_with_token)],
        action: Annotated[Action, Form()],
        version: Version,
        reason: Annotated[Typed, Form()] = "",
    ) -> Response:
        try:
            command = OperateSaga(reason=reason)
            committed = tools.operations.operate_saga(caller, action, saga_id, command, version)
        except ValidationError as error:
            needed = f"Say why, in at most {MAX_REASON} characters: it is kept with what you did."
            problem = refusal(error) or needed
            return show(request, saga_id, 422, problem=problem, reason=reason)
        except NoCultureError as error:
            if error.status == 404:
                raise
            return show(
                request, saga_id, error.status, problem=in_plain_words(error), reason=reason
            )
        response = RedirectResponse(f"/sagas/{saga_id}?done={action}", 303)
        remember(request, response, committed.position)
        return response

    return routes
