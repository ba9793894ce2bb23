"""A hold: claims that wait for something, a payment for one, and only for so long.

Nothing happens by itself when it has lapsed: whoever meets it then (its timer, a payment that comes
too late, the next taker) appends the holder's `expired` event, which releases the claims. They race
on the holder's version, so one of them does (docs/adr/0035).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregates.decision import Decision
from events.claims import Claim
from events.errors import NoCultureError
from events.model import Event
from events.times import rfc3339


class StillHeld(NoCultureError):
    """`until` is when it may be tried again."""

    status, code = 409, "still-held"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"This is reserved until {rfc3339(until)}: try again then")
        self.until = until

    @property
    def details(self) -> dict[str, object]:
        return {"until": rfc3339(self.until)}


@dataclass(frozen=True, slots=True)
class Hold:
    """`until` is the first moment at which the claims may be taken from their holder."""

    claims: tuple[Claim, ...]
    until: datetime

    def lapsed(self, now: datetime) -> bool:
        return now >= self.until


def expire(hold: Hold | None, now: datetime, *expired: Event) -> Decision:
    """Releases what has lapsed, with the events that say so; None waits for nothing any more.

    Refuses StillHeld (409).
    """
    if hold is None:
        return Decision()
    if not hold.lapsed(now):
        raise StillHeld(hold.until)
    return Decision(*expired, releases=hold.claims)
