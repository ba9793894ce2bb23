"""A cap on request bodies that are read whole; uploads stream and count for themselves."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.problems import MEDIA_TYPE, problem_of, request_id_of
from schemas.errors import NoCultureError

LIMIT_BYTES = 256 * 1024


class BodyTooLarge(NoCultureError):
    status, code = 413, "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes} bytes: send less")


class BodyLimit:
    """`streams(method, path)` names the requests whose handler reads the body piece by piece."""

    def __init__(
        self,
        app: ASGIApp,
        streams: Callable[[str, str], bool],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._app, self._streams, self._limit_bytes = app, streams, limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._streams(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        body = await _read(receive, self._limit_bytes)
        if body is None:
            return
        if len(body) > self._limit_bytes:
            error = BodyTooLarge(self._limit_bytes)
            status, document, headers = problem_of(error, request_id_of(Request(scope)))
            await JSONResponse(document, status, headers, MEDIA_TYPE)(scope, receive, send)
            return
        replayed = False

        async def receive_again() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send)


async def _read(receive: Receive, limit_bytes: int) -> bytes | None:
    """The body, or its beginning when it is over the limit; None when the client went away."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > limit_bytes:
            return body
