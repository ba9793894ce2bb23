"""The remeasuring saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from events.model import Event
from events.saga_step import SagaStep


class RemeasuringStepped(Event, SagaStep, type="remeasuring.stepped", version=1):
    """A run of an analysis after the first: requested → measured or given up took one step."""
