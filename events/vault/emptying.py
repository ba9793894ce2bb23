"""The emptying saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from events.model import Event
from events.saga_step import SagaStep


class EmptyingStepped(Event, SagaStep, type="emptying.stepped", version=1):
    """in the trash → deleted, or taken out of it, took one step."""
