"""Limits of a request's body: text in UTF-8 only, and capped where it is read whole."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.problems import MEDIA_TYPE, problem_of, request_id_of
from schemas.errors import NoCultureError

LIMIT_BYTES = 256 * 1024
# Readers of Content-Type take quadratic time in its semicolons: 21 s for 60 kB of them.
MAX_CONTENT_TYPE, MAX_PARAMETERS = 512, 16
# Fields of a form are read on the event loop, 0.01 ms each; the largest form of ours has 30.
MAX_FIELDS = 500
# The largest list of a command has 200 rows of two values. A wrong value costs 0.01 ms and
# 100 bytes of the answer: 120,000 of them stopped all other requests for 1.6 s and answered 18 MB.
MAX_VALUES = 5_000
_DISPOSITION = re.compile(rb"content-disposition[^\r\n]*", re.IGNORECASE)
_CONTENT_TYPE = b"content-type"
_ONCE = frozenset(
    (
        *(b"authorization", b"content-length", b"content-type", b"idempotency-key"),
        *(b"last-event-id", b"min-position", b"origin", b"range", b"tus-resumable"),
        *(b"upload-checksum", b"upload-length", b"upload-metadata", b"upload-offset"),
    )
)
_UTF8 = re.compile(rb";\s*charset=\"?(?:utf-?8|us-ascii)\"?\s*(?:;|$)")


class BodyTooLarge(NoCultureError):
    status, code = 413, "body-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes} bytes: send less")


class UnsupportedCharset(NoCultureError):
    status, code = 415, "unsupported-charset"

    def __init__(self) -> None:
        super().__init__("Text is taken in UTF-8 only: send it so, and leave `charset` out")


class ContentTypeTooLong(NoCultureError):
    status, code = 415, "content-type-too-long"

    def __init__(self) -> None:
        super().__init__("The Content-Type is too long or names too much: send only what is needed")


class RepeatedHeader(NoCultureError):
    status, code = 400, "repeated-header"

    def __init__(self, name: str) -> None:
        super().__init__(f"The header {name} was sent more than once: send it once")


class TooManyFields(NoCultureError):
    status, code = 413, "too-many-fields"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body has more than {limit} fields or values: send fewer at a time")


class BodyLimit:
    """Uploads stream and count for themselves.

    `streams` are expressions of paths whose handler reads the body piece by piece.
    """

    def __init__(
        self,
        app: ASGIApp,
        streams: Iterable[str] = (),
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._app, self._limit_bytes = app, limit_bytes
        self._streams = re.compile("|".join(f"(?:{path})" for path in streams) or "(?!)")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        content_types = [value.lower() for name, value in scope["headers"] if name == _CONTENT_TYPE]
        if refusal := _refusal_of_headers(scope) or _refusal_of_type(content_types):
            await _refuse(refusal, scope, receive, send)
            return
        if self._streams.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        body = await _read(receive, self._limit_bytes)
        if body is None:
            return
        if len(body) > self._limit_bytes:
            await _refuse(BodyTooLarge(self._limit_bytes), scope, receive, send)
            return
        if refusal := _refusal_of_body(content_types, body):
            await _refuse(refusal, scope, receive, send)
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


def announced_bytes(request: Request) -> int:
    """Content-Length, 0 if there is none that can be meant."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _refusal_of_headers(scope: Scope) -> NoCultureError | None:
    """Refuses repeated headers: one reader takes the first, another the last, and they differ."""
    seen = set()
    for name, _ in scope["headers"]:
        if name in _ONCE:
            if name in seen:
                return RepeatedHeader(name.decode())
            seen.add(name)
    return None


def _refusal_of_type(content_types: list[bytes]) -> NoCultureError | None:
    for value in content_types:
        if len(value) > MAX_CONTENT_TYPE or value.count(b";") > MAX_PARAMETERS:
            return ContentTypeTooLong()
        if not _is_utf8(value):
            return UnsupportedCharset()
    return None


def _is_utf8(content_type: bytes) -> bool:
    """Parsers of forms take any codec that Python has, by name: some give lone surrogates, and
    `punycode` needs 24 s for the 250 kB that a stranger may send.

    However the name is written: parameters may be quoted, encoded or in pieces (RFC 2231).
    """
    return b"charset" not in content_type or (
        content_type.count(b"charset") == 1 and _UTF8.search(content_type) is not None
    )


def _refusal_of_body(content_types: list[bytes], body: bytes) -> NoCultureError | None:
    """Counts what parsers would make of a body, before one of them reads it."""
    if any(b"urlencoded" in value for value in content_types):
        many, limit = body.count(b"&") >= MAX_FIELDS, MAX_FIELDS
    elif any(b"multipart" in value for value in content_types):
        parts = _DISPOSITION.findall(body)
        many = len(parts) > MAX_FIELDS or any(each.count(b";") > MAX_PARAMETERS for each in parts)
        limit = MAX_FIELDS
    else:
        many, limit = body.count(b",") >= MAX_VALUES, MAX_VALUES
    return TooManyFields(limit) if many else None


async def _read(receive: Receive, limit_bytes: int) -> bytes | None:
    """The body, or its beginning when it is over the limit; None when the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False) or len(body) > limit_bytes:
            return bytes(body)
