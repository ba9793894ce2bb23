"""What a request's body may be: text in UTF-8 only, and capped where it is read whole."""

from __future__ import annotations

import re
from collections.abc import Callable

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.problems import MEDIA_TYPE, problem_of, request_id_of
from schemas.errors import NoCultureError

LIMIT_BYTES = 256 * 1024
_UTF8 = re.compile(rb";\s*charset=\"?(?:utf-?8|us-ascii)\"?\s*(?:;|$)")


class BodyTooLarge(NoCultureError):
    status, code = 413, "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes} bytes: send less")


class UnsupportedCharset(NoCultureError):
    status, code = 415, "unsupported-charset"

    def __init__(self) -> None:
        super().__init__("Text is taken in UTF-8 only: send it so, and leave `charset` out")


class BodyLimit:
    """Uploads stream and count for themselves.

    `streams(method, path)` names the requests whose handler reads the body piece by piece.
    """

    def __init__(
        self,
        app: ASGIApp,
        streams: Callable[[str, str], bool],
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._app, self._streams, self._limit_bytes = app, streams, limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_utf8(scope):
            await _refuse(UnsupportedCharset(), scope, receive, send)
            return
        if self._streams(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        body = await _read(receive, self._limit_bytes)
        if body is None:
            return
        if len(body) > self._limit_bytes:
            await _refuse(BodyTooLarge(self._limit_bytes), scope, receive, send)
            return
        replayed = False

        async def receive_again() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, receive_again, send)


async def _refuse(error: NoCultureError, scope: Scope, receive: Receive, send: Send) -> None:
    status, document, headers = problem_of(error, request_id_of(Request(scope)))
    await JSONResponse(document, status, headers, MEDIA_TYPE)(scope, receive, send)


def _is_utf8(scope: Scope) -> bool:
    """Parsers of forms take any codec that Python has, by name: some give lone surrogates, and
    `punycode` needs 24 s for the 250 kB that a stranger may send.

    However the name is written: parameters may be quoted, encoded or in pieces (RFC 2231).
    """
    said = [value.lower() for name, value in scope["headers"] if name == b"content-type"]
    return all(
        b"charset" not in value or (value.count(b"charset") == 1 and _UTF8.search(value))
        for value in said
    )


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
