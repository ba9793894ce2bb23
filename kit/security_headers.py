"""Headers every answer carries; pages get a Content-Security-Policy with a fresh nonce."""

from __future__ import annotations

import secrets

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
# A year; of this host alone, for its neighbours are not ours to speak for.
ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
NOT_A_PAGE = "default-src 'none'; frame-ancestors 'none'; sandbox"
PAGE = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';"
    " img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; object-src 'none';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def csp_nonce(request: Request) -> str:
    """The nonce of this answer's inline scripts and styles."""
    nonce: str = request.state.csp_nonce
    return nonce


class SecurityHeaders:
    """Adds the headers that the handler did not set itself."""

    def __init__(self, app: ASGIApp, https: bool = False) -> None:
        self._app = app
        self._always = {**ALWAYS, **(ONLY_HTTPS if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce
        is_api = scope["path"].startswith("/api/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                policy = PAGE.format(nonce=nonce) if is_page else NOT_A_PAGE
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in self._always.items():
                    headers.setdefault(name, value)
                if is_api or is_page:
                    headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)
