"""Keyset paging: an opaque cursor holds the last row's sort key and belongs to its own filters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kit.tokens import Signer, base64url, from_base64url
from schemas.dto import Page
from schemas.errors import NoCultureError

T = TypeVar("T")
U = TypeVar("U")
DEFAULT_LIMIT, MAX_LIMIT = 50, 200


class InvalidCursor(NoCultureError):
    status, code = 422, "invalid-cursor"

    def __init__(self) -> None:
        super().__init__(
            "This cursor is not ours or belongs to other filters: start again without a cursor"
        )


class Cursors:
    """Signed, because a cursor's values go into a query; they are JSON scalars."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def seal(self, values: Sequence[Any], filters: object) -> str:
        body = base64url(json.dumps([_hash(filters), *values], separators=(",", ":")).encode())
        return f"{body}.{self._signer.tag('cursor', body)}"

    def open(self, cursor: str | None, filters: object) -> list[Any] | None:
        """The last row's sort key, None for the first page. Raises InvalidCursor (422)."""
        if cursor is None:
            return None
        body, _, tag = cursor.partition(".")
        if not self._signer.fits("cursor", body, tag):
            raise InvalidCursor
        of_filters, *values = json.loads(from_base64url(body))
        if of_filters != _hash(filters):
            raise InvalidCursor
        return list(values)

    def page(
        self, rows: list[T], limit: int, sort_key: Callable[[T], Sequence[Any]], filters: object
    ) -> Page[T]:
        """A page of `limit` rows out of the up to `limit + 1` that were read."""
        if len(rows) <= limit:
            return Page(data=rows)
        kept = rows[:limit]
        return Page(data=kept, next_cursor=self.seal(sort_key(kept[-1]), filters), has_more=True)


def shown(page: Page[T], show: Callable[[T], U]) -> Page[U]:
    """The page of what `show` makes of each row."""
    data = [show(row) for row in page.data]
    return Page(data=data, next_cursor=page.next_cursor, has_more=page.has_more)


def _hash(filters: object) -> str:
    text = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
