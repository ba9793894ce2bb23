"""Refusals of sharing a recording with people of other workspaces."""

from __future__ import annotations

from events.errors import NoCultureError

MAX_PEOPLE = 200


class OwnThing(NoCultureError):
    status, code = 422, "own-thing"

    def __init__(self) -> None:
        super().__init__("This track is yours already: share it with somebody else")


class SharedWithTooMany(NoCultureError):
    status, code = 409, "shared-with-too-many"

    def __init__(self) -> None:
        super().__init__(
            f"A track can be shared with {MAX_PEOPLE} people at most: remove one first"
        )
