"""The ingest saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from events.model import Event
from events.saga_step import SagaStep


class IngestStepped(Event, SagaStep, type="ingest.stepped", version=1):
    """uploaded → verified → analysed took one step."""
