"""One step of a saga as its own stream keeps it: the input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class SagaInput(BaseModel):
    """The input that moved a saga: an event, a timer or the verdict on a command it sent."""

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


class SagaStep(BaseModel):
    """The fields of every saga's `…Stepped` event."""

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
