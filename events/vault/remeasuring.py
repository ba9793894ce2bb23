"""The remeasuring saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from events.model import Event
from events.vault.ingest import SagaInput, SentCommand, SetTimer


class RemeasuringStepped(Event, type="remeasuring.stepped", version=1):
    """A run of an analysis after the first: requested → measured or given up took one step."""

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
