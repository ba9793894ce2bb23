"""Takes the first free one of numbered claims (`events.claims.Numbered`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from events.claims import Numbered
from events.errors import NoCultureError
from events.store.pending import ClaimTaken

# `during IS NULL` is the condition of the index.
HOLDERS = (
    "SELECT key, stream_id FROM claims"
    " WHERE kind = %s AND scope = %s AND key = ANY(%s) AND during IS NULL"
)


class AllTaken(NoCultureError):
    """All numbers were held at one and the same moment."""

    status, code = 409, "all-taken"

    def __init__(self, limit: Numbered) -> None:
        super().__init__(
            f"All {limit.of} of {limit.kind} are taken: try again when one of them is free"
        )
        self._limit = limit

    @property
    def details(self) -> dict[str, object]:
        return {"kind": self._limit.kind, "limit": self._limit.of}


@dataclass(frozen=True, slots=True)
class Numbering:
    """`stage` is given the number; `before` counts what the unit had staged until then."""

    limit: Numbered
    stage: Callable[[int], None]
    before: int

    def lost(self, taken: ClaimTaken) -> bool:
        """Whether another was faster with one of these numbers."""
        return taken.kind == self.limit.kind and self.limit.number_of(taken.key) is not None


class Numberings:
    """Those of one unit, in the order in which they were staged."""

    def __init__(self) -> None:
        self._all: list[Numbering] = []

    def add(self, numbering: Numbering) -> None:
        self._all.append(numbering)

    def pop(self, taken: ClaimTaken) -> list[Numbering]:
        """The one that lost its number, and all behind it; none where it was no number."""
        lost = next((i for i, each in enumerate(self._all) if each.lost(taken)), len(self._all))
        again = self._all[lost:]
        del self._all[lost:]
        return again


def holders(pool: ConnectionPool, tenant: str, limit: Numbered) -> dict[int, str]:
    """The streams that hold the numbers of a limit, at one moment."""
    keys = {limit.at(number).key: number for number in range(1, limit.of + 1)}
    scope = limit.at(1).scope_in(tenant)
    with pool.connection() as connection:
        rows = connection.execute(HOLDERS, (limit.kind, scope, list(keys))).fetchall()
    return {keys[key]: stream_id for key, stream_id in sorted(rows)}


def first_free(limit: Numbered, held: dict[int, str]) -> int | None:
    return next((number for number in range(1, limit.of + 1) if number not in held), None)
