"""Conditional requests: the ETag `"v7"` is the version of the thing's own stream."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Request

from schemas.errors import NoCultureError
from schemas.text import HeaderText

_STRONG = re.compile(r'"v(\d{1,18})"')


class PreconditionRequired(NoCultureError):
    status, code = 428, "if-match-required"

    def __init__(self) -> None:
        super().__init__("Read it first and send its ETag back as If-Match")


class PreconditionFailed(NoCultureError):
    status, code = 412, "version-mismatch"

    def __init__(self, current: int | None = None) -> None:
        self.current = current
        super().__init__("It was changed since you read it: read it again and repeat your change")

    @property
    def details(self) -> dict[str, object]:
        return {} if self.current is None else {"current_version": self.current}


def etag(version: int) -> str:
    return f'"v{version}"'


# Async, like every dependency that waits for nothing: a sync one is sent to a thread and back.
async def if_match(
    value: Annotated[
        HeaderText | None, Header(alias="If-Match", description='The ETag that was read, `"v7"`.')
    ] = None,
) -> int | None:
    """Dependency: the expected version, None for `*`. Raises a 428, or a 412 for a foreign ETag."""
    return expected_version(value)


def expected_version(value: str | None) -> int | None:
    """Reads an If-Match header, as `if_match` does."""
    if value is None:
        raise PreconditionRequired
    if value.strip() == "*":
        return None
    # A weak tag never matches If-Match (RFC 9110 §13.1.1).
    found = _STRONG.fullmatch(value.strip())
    if found is None:
        raise PreconditionFailed
    return int(found[1])


def not_modified(request: Request, version: int) -> bool:
    """Whether If-None-Match names this version: then the answer is an empty 304."""
    asked = request.headers.get("if-none-match")
    if asked is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
    return "*" in tags or etag(version) in tags
