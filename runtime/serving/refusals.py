"""Answers of the server itself: problems, as of the routes; then the connection ends."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kit.problems import MEDIA_TYPE, new_request_id, problem_of
from schemas.errors import NoCultureError


class MalformedRequest(NoCultureError):
    status, code = 400, "malformed-request"

    def __init__(self) -> None:
        super().__init__("This is no HTTP/1.1 request: mend its first line and its headers")


class UpgradeRefused(NoCultureError):
    status, code = 400, "upgrade-refused"

    def __init__(self) -> None:
        super().__init__("There is no WebSocket here: follow /api/events/stream instead")


class HeaderTimeout(NoCultureError):
    status, code = 408, "header-timeout"

    def __init__(self) -> None:
        super().__init__("The headers came too slowly: send the request again, at once")


class BodyTimeout(NoCultureError):
    status, code = 408, "body-timeout"

    def __init__(self) -> None:
        super().__init__("The body came too slowly: send it again, large files in pieces")


class BodyInCrumbs(NoCultureError):
    status, code = 413, "body-in-crumbs"

    def __init__(self) -> None:
        super().__init__("The body comes in chunks of a few bytes: send larger ones")


class TargetTooLong(NoCultureError):
    status, code = 414, "target-too-long"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The address is longer than {limit_bytes} bytes: ask for less at a time")


class HeadersTooLarge(NoCultureError):
    status, code = 431, "headers-too-large"

    def __init__(self, limit_bytes: int, limit: int) -> None:
        super().__init__(
            f"There are more than {limit_bytes} bytes of headers or more than {limit} of them:"
            " send fewer, delete this site's cookies"
        )


class TooManyConnections(NoCultureError):
    status, code = 503, "too-many-connections"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("Too many connections are open: close some, or try again in a moment")


class TooManyAhead(NoCultureError):
    """Never answered: the requests before it are, then the connection ends."""

    status, code = 503, "too-many-pipelined"

    def __init__(self) -> None:
        super().__init__("Wait for answers before you send further requests")


def answer_of(error: NoCultureError, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A whole answer. Nothing of the request is in it."""
    request_id = new_request_id()
    status, document, headers = problem_of(error, request_id)
    body = json.dumps(document).encode()
    headers |= {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        "X-Content-Type-Options": "nosniff",
        "X-Request-ID": request_id,
    }
    lines = [b"HTTP/1.1 %d %s" % (status, document["title"].encode())]
    lines += [name + b": " + value for name, value in default_headers]
    lines += [f"{name.lower()}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])
