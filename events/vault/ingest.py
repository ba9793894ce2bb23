"""The ingest saga's own stream: every input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from events.model import Event


class SagaInput(BaseModel):
    """What moved a saga: an event, a timer or the verdict on a command it sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    reference: str


class SentCommand(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    command_id: str
    name: str
    body: dict[str, Any]


class SetTimer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    delay_s: float


class IngestStepped(Event, type="ingest.stepped", version=1):
    """uploaded → verified → analysed took one step."""

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
