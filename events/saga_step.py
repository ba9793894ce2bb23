"""One step of a saga as its own stream keeps it: the input it took and what it did about it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class SagaInput(BaseModel):
    """The input that moved a saga: an event, a timer, the verdict on a command it sent, or an
    operator's hand. `at` is its time; steps of earlier versions did not keep it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    reference: str
    at: str | None = None


class SentCommand(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    command_id: str
    name: str
    body: dict[str, Any]


class SetTimer(BaseModel):
    """Due `delay_s` after the step; where there is an `at`, at that time (and `delay_s` is 0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    delay_s: float
    at: str | None = None


class SagaStep(BaseModel):
    """The fields of every saga's `…Stepped` event. `kept` names the timers that earlier steps have
    set and this one leaves as they are: with its own they are all that the saga waits for.
    """

    input: SagaInput
    state: str
    memory: dict[str, Any]
    sent: tuple[SentCommand, ...]
    timers: tuple[SetTimer, ...]
    kept: tuple[str, ...] = ()
