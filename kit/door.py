"""The first thing a request meets: who it is from, over what, and whether it means this site."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kit import security_log
from kit.problems import MEDIA_TYPE, problem_of, request_id_of
from kit.site import Site, is_ip_literal
from schemas.errors import NoCultureError

# Paths that load balancers and Prometheus ask for by a machine's address, or without any Host.
PROBED = frozenset({"/healthz", "/readyz", "/metrics"})


class WrongHost(NoCultureError):
    """Says no name: what was asked for came from the request."""

    status, code = 421, "wrong-host"

    def __init__(self) -> None:
        super().__init__(
            "This installation does not answer to the name that you used: open it by its own"
            " address, or have whoever runs it add the name to NOCULTURE_ALLOWED_HOSTS"
        )


class Door:
    """Sets the request's client and scheme to what the settings make of them, and refuses foreign
    names (421), so that nothing behind it can be fooled by a header.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["scheme"] = self._site.scheme
        scope.setdefault("state", {})["public_origin"] = self._site.public_origin
        if scope.get("client") is not None:
            peer, port = scope["client"]
            scope["client"] = (self._site.client(peer, _said(scope, b"x-forwarded-for")), port)
        security_log.begin(scope["client"][0] if scope.get("client") else None)
        if not self._admits(scope):
            security_log.note("request", "refused", reason=WrongHost.code)
            status, document, headers = problem_of(WrongHost(), request_id_of(Request(scope)))
            await JSONResponse(document, status, headers, MEDIA_TYPE)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        said = _said(scope, b"host")
        if scope["path"] in PROBED and (not said or (len(said) == 1 and is_ip_literal(said[0]))):
            return True
        port = scope["server"][1] if scope.get("server") else None
        return len(said) == 1 and self._site.serves(said[0], port)


def _said(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]
