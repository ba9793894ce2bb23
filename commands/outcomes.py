"""Keeps what the world outside answered, where nothing that happened meanwhile can refuse it."""

from __future__ import annotations

from aggregates import outcome as outcomes
from commands.unit import Unit
from events.model import Event
from events.outcome import outcome_stream


def keep(unit: Unit, effect: str, intent_id: str, outcome: Event) -> None:
    """Stage the answer in the effect's own stream (docs/adr/0035).

    The stream belongs to this intent alone, so its version is nobody else's; the unit has no actor,
    so no erasure closes it; the answer takes no claim and holds nothing personal.
    """
    unit.change(outcomes, outcome_stream(effect, intent_id), outcomes.keep, outcome=outcome)
