"""The session cookie: `__Host-` and Secure over https, a plain name on loopback http.

The scheme of a request is that of the public address (`kit.door`), whatever its headers say.
"""

from __future__ import annotations

from fastapi import Request, Response

NAME = "noculture_session"


def session_token(request: Request) -> str | None:
    return request.cookies.get(_name(request))


def set_session(request: Request, response: Response, token: str, max_age_s: int) -> None:
    response.set_cookie(
        _name(request),
        token,
        max_age=max_age_s,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def clear_session(request: Request, response: Response) -> None:
    response.delete_cookie(
        _name(request), path="/", secure=_is_https(request), httponly=True, samesite="lax"
    )


def lasting(request: Request, name: str) -> str:
    """Reads the cookie that `set_lasting` set; empty without."""
    return request.cookies.get(_name(request, name), "")


def set_lasting(
    request: Request, response: Response, name: str, value: str, max_age_s: int
) -> None:
    """Another cookie, as well kept as the session's."""
    response.set_cookie(
        _name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


def _name(request: Request, name: str = NAME) -> str:
    # A browser refuses __Host- without Secure, and Secure over plain http.
    return f"__Host-{name}" if _is_https(request) else name


def _is_https(request: Request) -> bool:
    return request.url.scheme == "https"
