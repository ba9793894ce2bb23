"""The erasure saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from events.model import Event
from events.vault.ingest import SagaInput, SentCommand, SetTimer


class ErasingStepped(Event, type="erasing.stepped", version=1):
    """requested → erasing → erased took one step."""

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
