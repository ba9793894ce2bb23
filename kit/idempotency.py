"""`Idempotency-Key`: same key, route and caller are the same command, for ever."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

from schemas.errors import NoCultureError
from schemas.text import HeaderText

MAX_LENGTH = 255


class InvalidIdempotencyKey(NoCultureError):
    status, code = 422, "invalid-idempotency-key"

    def __init__(self) -> None:
        super().__init__(f"Idempotency-Key must be 1 to {MAX_LENGTH} printable ASCII characters")


class IdempotencyKeyRequired(NoCultureError):
    status, code = 428, "idempotency-key-required"

    def __init__(self) -> None:
        super().__init__("This request moves money or books: send an Idempotency-Key header")


async def idempotency_key(
    key: Annotated[
        HeaderText | None,
        Header(alias="Idempotency-Key", description="Sent again, it gives the first answer again."),
    ] = None,
) -> str | None:
    """Dependency: the key, None without one. Raises InvalidIdempotencyKey (422)."""
    return checked(key)


def checked(key: str | None) -> str | None:
    """The same. Raises InvalidIdempotencyKey (422)."""
    if key is not None and not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidIdempotencyKey
    return key


def required_idempotency_key(
    key: Annotated[HeaderText | None, Header(alias="Idempotency-Key")] = None,
) -> str:
    """Dependency of routes that book or move money. Raises IdempotencyKeyRequired (428)."""
    if checked(key) is None or key is None:
        raise IdempotencyKeyRequired
    return key
