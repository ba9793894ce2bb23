"""The control page of a double: what shall go wrong with the next requests."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from schemas.doubles import MAX_SECONDS, MAX_TIMES, MAX_TROUBLES, Script, Trouble
from schemas.errors import NoCultureError
from schemas.text import Ref
from web.forms import Typed
from web.pages.system.tools import Double, SystemTools
from web.visitor import Visitors

# Kind → its words, and what it does.
KINDS = {
    "slow": ("Slow answer", "Does it at once, and answers after the seconds."),
    "500": ("Error", "Does nothing, and answers that it broke."),
    "500-but-done": ("Error, but done", "Does it, and answers that it broke."),
    "duplicate": ("Twice", "Everything that is passed on arrives twice."),
    "reordered": ("Out of order", "Arrives behind the next one."),
    "lost": ("Lost", "Answers that all is well, and nothing arrives."),
    "late": ("Late", "Answers at once, and it arrives after the seconds."),
    "none": ("Let it pass", "Lets requests through, so that the trouble begins later."),
}
_NOTICES = {
    "added": "The trouble was added to the script.",
    "cleared": "The script is empty from now on.",
}
_WRONG = (
    f"Choose a trouble, 1 to {MAX_TIMES} times, of at most {MAX_SECONDS:.0f} seconds;"
    f" a script has at most {MAX_TROUBLES} lines."
)


class NoDouble(NoCultureError):
    status, code = 404, "no-double"

    def __init__(self) -> None:
        super().__init__("This installation has no such double: see the system page")


def router(tools: SystemTools) -> APIRouter:
    routes = APIRouter()
    visitors = Visitors(tools)

    def show(
        request: Request, name: str, status: int = 200, problem: str | None = None
    ) -> Response:
        return tools.renderer.page(
            request,
            "system/double.html",
            status,
            name=name,
            troubles=_double(tools, name).script().troubles,
            KINDS=KINDS,
            options=[(kind, f"{label}: {does}") for kind, (label, does) in KINDS.items()],
            notice=_NOTICES.get(request.query_params.get("done", "")) if not problem else None,
            problem=problem,
            max_seconds=MAX_SECONDS,
            max_times=MAX_TIMES,
        )

    @routes.get("/system/doubles/{name}", dependencies=[Depends(visitors.operator)])
    def double_page(request: Request, name: Ref) -> Response:
        return show(request, name)

    @routes.post("/system/doubles/{name}", dependencies=[Depends(visitors.operator_with_token)])
    def change(
        request: Request,
        name: Ref,
        action: Annotated[Typed, Form()] = "add",
        kind: Annotated[Typed, Form()] = "",
        seconds: Annotated[Typed, Form()] = "0",
        times: Annotated[Typed, Form()] = "1",
    ) -> Response:
        """`action` is add or clear."""
        double = _double(tools, name)
        if action == "clear":
            double.follow(Script())
            return RedirectResponse(f"/system/doubles/{name}?done=cleared", 303)
        try:
            trouble = Trouble.model_validate(
                {"kind": kind, "seconds": seconds or "0", "times": times or "1"}
            )
            script = Script(troubles=(*double.script().troubles, trouble))
        except ValidationError:
            return show(request, name, 422, _WRONG)
        double.follow(script)
        return RedirectResponse(f"/system/doubles/{name}?done=added", 303)

    return routes


def _double(tools: SystemTools, name: str) -> Double:
    """Raises NoDouble (404)."""
    if name not in tools.doubles:
        raise NoDouble
    return tools.doubles[name]
