"""Errors as pages: what happened, and one thing to do, with the navigation of who is signed in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from kit.auth import Authenticate
from kit.problems import PageOfProblem
from web.render import Renderer, wants_part
from web.troubles import Trouble, Way, trouble_of
from web.visitor import greet

_HOME = ("To your music", "/vault")
_START = ("To the start", "/")
_WAYS: dict[Way, tuple[str, str]] = {
    "sign-in": ("Sign in", "/sign-in"),
    "security": ("Set up two-step verification", "/account/security"),
    "forgotten": ("Ask for a new link", "/forgot-password"),
}


def page(renderer: Renderer, authenticated: Authenticate) -> PageOfProblem:
    def show(request: Request, problem: dict[str, Any]) -> Response:
        status = problem["status"]
        if status == 401:
            return _to_sign_in(request)
        # After a 5xx the part that did not answer is not asked again, here for who this is.
        if status < 500:
            greet(request, authenticated)
        found = trouble_of(problem)
        if wants_part(request):
            return renderer.page(request, "_problem.html", status, trouble=found)
        label, address = _way(renderer, request, found)
        return renderer.page(
            request,
            "problem.html",
            status,
            trouble=found,
            label=label,
            address=address,
            number=problem["request_id"] if status >= 500 else None,
        )

    return show


def _way(renderer: Renderer, request: Request, found: Trouble) -> tuple[str, str]:
    """(the button's words, where it leads)"""
    home = _HOME if getattr(request.state, "caller", None) else _START
    match found.way:
        case "again" if request.method == "GET":
            query = f"?{request.url.query}" if request.url.query else ""
            return "Try again", request.url.path + query
        case "again" | "back":
            came_from = _came_from(request)
            return ("Back to the page", came_from) if came_from else home
        case "section":
            return _section(renderer, request) or home
        case "home":
            return home
        case way:
            return _WAYS[way]


def _section(renderer: Renderer, request: Request) -> tuple[str, str] | None:
    """The entry that the address is in, for whoever sees it in the navigation."""
    caller = getattr(request.state, "caller", None)
    place = renderer.navigation.place_of(request) if caller else None
    if caller is None or place is None or place.section not in renderer.navigation.seen_by(caller):
        return None
    return f"Open {place.part.name}", place.part.path


def _came_from(request: Request) -> str | None:
    """The page of this site whose form or link led here."""
    page = urlsplit(request.headers.get("referer", ""))
    here = page.netloc == request.url.netloc and page.path.startswith("/")
    if not here or page.path.startswith("//") or page.path == request.url.path:
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


def _to_sign_in(request: Request) -> Response:
    """Afterwards the visitor is where they wanted to be; after a change, on the page with its form.

    A page's script asks to sign in on the page itself; without it, htmx follows the header.
    """
    wanted = _asked_for(request)
    address = f"/sign-in?next={quote(wanted)}" if wanted not in ("", "/") else "/sign-in"
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


def _asked_for(request: Request) -> str:
    """The page's path and query; of a change the page that sent it, if it is one of this site."""
    if request.method == "GET":
        path, query = request.url.path, request.url.query
    else:
        sender = request.headers.get("hx-current-url") or request.headers.get("referer", "")
        page = urlsplit(sender)
        if page.netloc != request.url.netloc:
            return ""
        path, query = page.path, page.query
    return f"{path}?{query}" if query else path
