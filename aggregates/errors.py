"""Refusals that several aggregates share."""

from __future__ import annotations

from events.errors import NoCultureError


class NotFound(NoCultureError):
    status, code = 404, "not-found"

    def __init__(self, what: str = "It") -> None:
        super().__init__(f"{what} does not exist here: check the address, or it was deleted")


class AlreadyExists(NoCultureError):
    status, code = 409, "already-exists"

    def __init__(self, what: str = "It") -> None:
        super().__init__(f"{what} exists already")
