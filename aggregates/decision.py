"""The result of a `decide` function."""

from __future__ import annotations

from dataclasses import dataclass

from events.claims import Claim
from events.model import Event


@dataclass(frozen=True, slots=True, init=False)
class Decision:
    """The events, in order, and the claims that move with them. No events = nothing changed."""

    events: tuple[Event, ...]
    takes: tuple[Claim, ...]
    releases: tuple[Claim, ...]

    def __init__(
        self, *events: Event, takes: tuple[Claim, ...] = (), releases: tuple[Claim, ...] = ()
    ) -> None:
        object.__setattr__(self, "events", events)
        object.__setattr__(self, "takes", takes)
        object.__setattr__(self, "releases", releases)
