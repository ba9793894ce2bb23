"""The erasure saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from events.model import Event
from events.saga_step import SagaStep


class ErasingStepped(Event, SagaStep, type="erasing.stepped", version=1):
    """requested → erasing → erased took one step."""
