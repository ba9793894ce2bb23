"""The test clock, in an operator's hand: the time that the domain sees moves on, and what falls due
meanwhile is done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from commands.contexts import command_id
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.openapi import problems
from kit.positions import answer_position
from schemas.dto import Dto, Timestamp

LONGEST_S = 366 * 24 * 3600


class AdvanceClock(BaseModel):
    """By how many seconds; parts of a second are possible."""

    model_config = ConfigDict(extra="forbid")

    advance_s: float = Field(ge=0.001, le=LONGEST_S, allow_inf_nan=False, strict=True)


class ClockDto(Dto):
    now: Timestamp


class Advanced(Protocol):
    """`position` is the head of the log then; `replayed`: the command had been done before."""

    @property
    def now(self) -> datetime: ...
    @property
    def position(self) -> int: ...
    @property
    def replayed(self) -> bool: ...


class ClockAdvancer(Protocol):
    """`processors.system.advancing.Advancing`."""

    def advance(self, by: timedelta, command_id: str) -> Advanced: ...


def router(clock: ClockAdvancer, authenticated: Authenticate) -> APIRouter:
    """Only where nothing outside is live: elsewhere the route does not exist."""
    routes = APIRouter(tags=["system"])

    @routes.post(
        "/api/test/clock",
        operation_id="advanceClock",
        summary="Test mode only: move the domain's clock on, and do all that falls due",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def advance_clock(
        command: AdvanceClock,
        response: Response,
        caller: Caller = Depends(authenticated("operator")),
        key: str | None = Depends(idempotency_key),
    ) -> ClockDto:
        """Rules, saga timers and `effective_at` see the machine's time plus all advances; sessions,
        limits and `recorded_at` do not. Answers once all that fell due has run, in due order; 503
        `clock-waits` says what still runs, and the same Idempotency-Key goes on from there.
        """
        advanced = clock.advance(
            timedelta(seconds=command.advance_s),
            command_id(caller.account_id, "POST /api/test/clock", key),
        )
        answer_position(response, advanced.position)
        if advanced.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return ClockDto(now=advanced.now)

    return routes
