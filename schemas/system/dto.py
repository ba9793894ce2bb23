"""Consumers, processes and readiness as operators see them."""

from __future__ import annotations

from pydantic import Field

from schemas.doubles import Mode
from schemas.dto import Dto, Timestamp


class ConsumerDto(Dto):
    """`position` is the P it is at; `stopped` says why it waits for somebody, else null."""

    name: str
    kind: str
    version: int
    position: int
    lag: int
    parked: int
    stopped: str | None = None


class DeadLetterDto(Dto):
    """A stream that a consumer could not digest; `waiting` events of it are put aside."""

    consumer: str
    stream_id: str
    position: int
    type: str | None
    error: str
    parked_at: Timestamp
    waiting: int


class PartDto(Dto):
    """One process of the installation, as `status --json` names it."""

    name: str
    pid: int | None = None
    state: str
    lag: int | None = None
    detail: str | None = None


class SystemDto(Dto):
    """`head` is the log's last position, `relayed` the last one that consumers can read. Outside
    services are named with their mode: `test` is a double of ours.
    """

    head: int
    relayed: int
    consumers: list[ConsumerDto]
    parts: list[PartDto]
    dead_letters: list[DeadLetterDto]
    mail: Mode


class ReadinessDto(Dto):
    """`reasons` names what is missing; `alarms`, where there are any, what somebody must look at
    while all goes on.
    """

    ready: bool
    reasons: dict[str, str] = Field(default_factory=dict)
    alarms: dict[str, str] = Field(default_factory=dict)
