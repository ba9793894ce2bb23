"""The first words to somebody new: once, after signing up or an operator's first link."""

from __future__ import annotations

from fastapi import Request, Response

COOKIE = "noculture_welcome"
REMEMBERED_S = 24 * 3600


def remember(request: Request, response: Response) -> None:
    """The next whole page of this browser tells it."""
    response.set_cookie(
        COOKIE,
        "new",
        max_age=REMEMBERED_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def is_due(request: Request) -> bool:
    return COOKIE in request.cookies


def forget(request: Request, response: Response) -> None:
    """Drops the cookie, since the notice was told."""
    if is_due(request):
        response.delete_cookie(COOKIE, path="/")
