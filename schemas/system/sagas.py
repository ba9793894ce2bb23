"""Sagas as operators see them: how one stands, what it took, sent and waits for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.dto import Dto, Timestamp

Stuck = Literal["command-failing", "timer-overdue", "effect-failing", "nothing-pending"]
CommandVerdict = Literal["waiting", "done", "refused", "answered", "withdrawn-or-answered"]


class SagaDto(Dto):
    """`stuck` says why it needs somebody, null while it goes on by itself or has ended."""

    id: str
    saga: str
    version: int
    state: str
    ended: bool
    outcome: str | None = None
    workspace_id: str
    correlation_id: str
    started_at: Timestamp | None
    stepped_at: Timestamp
    input_kind: str
    input_name: str
    waits_for: list[str]
    next_due_at: Timestamp | None = None
    error: str | None = None
    stuck: Stuck | None = None


class SentCommandDto(Dto):
    """`waiting` commands have attempts, the last error and when they are due again. `answered`:
    it is over and changed nothing, accepted or refused without a step. `withdrawn-or-answered`: the
    saga was aborted, which takes back commands that were not sent, and neither leaves a trace to
    tell them apart by.
    """

    id: str
    name: str
    verdict: CommandVerdict
    position: int | None = None
    attempts: int = 0
    error: str | None = None
    due_at: Timestamp | None = None


class SagaTimerDto(Dto):
    token: str
    due_at: Timestamp
    overdue: bool


class SagaStepDto(Dto):
    """One input and what the saga did about it; `actor` and `reason` of an operator's hand."""

    version: int
    position: int
    at: Timestamp
    input_kind: str
    input_name: str
    input_reference: str
    actor: str | None = None
    reason: str | None = None
    state: str
    outcome: str | None = None
    sent: list[SentCommandDto] = Field(default_factory=list)
    timers: dict[str, float] = Field(default_factory=dict)


class SagaEffectDto(Dto):
    """Work on the outside world that belongs to the same correlation."""

    effect: str
    event_id: str
    due_at: Timestamp
    failures: int
    error: str | None = None


class SagaDetailDto(SagaDto):
    """`steps` are the newest 200, oldest first."""

    steps: list[SagaStepDto]
    timers: list[SagaTimerDto]
    effects: list[SagaEffectDto]
