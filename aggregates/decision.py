"""The result of a `decide` function."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from events.claims import Claim
from events.model import Event


@dataclass(frozen=True, slots=True, init=False)
class Decision:
    """The events, in order, and the claims that move with them. No events = nothing changed.

    `effective_at` is when the events count, where that is not the command's time: the day of a
    back-dated amendment, a date of usage.
    """

    events: tuple[Event, ...]
    takes: tuple[Claim, ...]
    releases: tuple[Claim, ...]
    effective_at: datetime | None

    def __init__(
        self,
        *events: Event,
        takes: tuple[Claim, ...] = (),
        releases: tuple[Claim, ...] = (),
        effective_at: datetime | None = None,
    ) -> None:
        object.__setattr__(self, "events", events)
        object.__setattr__(self, "takes", takes)
        object.__setattr__(self, "releases", releases)
        object.__setattr__(self, "effective_at", effective_at)
