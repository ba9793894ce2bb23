"""The reanalysing saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from events.model import Event
from events.vault.ingest import SagaInput, SentCommand, SetTimer


class ReanalysingStepped(Event, type="reanalysing.stepped", version=1):
    """requested → batch after batch → completed took one step."""

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
