"""The reanalysing saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from events.model import Event
from events.saga_step import SagaStep


class ReanalysingStepped(Event, SagaStep, type="reanalysing.stepped", version=1):
    """requested → batch after batch → completed took one step."""
