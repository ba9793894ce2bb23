"""Rules of the answers of the world outside: the first one to an intent is kept, always."""

from __future__ import annotations

from dataclasses import dataclass

from aggregates.decision import Decision
from events.ids import OutcomeId
from events.model import Event

STORED_AS = "aggregates.outcome"


@dataclass(frozen=True, slots=True)
class Answered:
    """The intent has its answer."""


def keep(answered: Answered | None, outcome_id: OutcomeId, *, outcome: Event) -> Decision:
    """Refuses nothing: what the answer means is decided by those who read it."""
    return Decision() if answered else Decision(outcome)


def evolve(answered: Answered | None, event: Event) -> Answered | None:
    return Answered()
