"""Errors as pages, in the words of the error itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from kit.problems import PageOfProblem
from web.render import Renderer, wants_part

_HEADINGS = {
    403: "That is not yours to open",
    404: "Nothing is here",
    405: "That does not work this way",
    410: "This link is used up",
    413: "That is too large",
    429: "A little slower",
    503: "One moment",
}


def page(renderer: Renderer) -> PageOfProblem:
    def show(request: Request, problem: dict[str, Any]) -> Response:
        if problem["status"] == 401:
            return _to_sign_in(request)
        if wants_part(request):
            return renderer.page(request, "_problem.html", problem["status"], problem=problem)
        heading = _HEADINGS.get(problem["status"], "That did not work")
        return renderer.page(
            request, "problem.html", problem["status"], problem=problem, heading=heading
        )

    return show


def _to_sign_in(request: Request) -> Response:
    """Afterwards the visitor is where they wanted to be, if that was a page and not a change."""
    wanted = request.url.path if request.method == "GET" else ""
    if wanted and request.url.query:
        wanted += f"?{request.url.query}"
    address = f"/sign-in?next={quote(wanted)}" if wanted not in ("", "/") else "/sign-in"
    if request.headers.get("hx-request"):
        # A status that htmx swaps nothing for, and the header that loads the whole page.
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)
