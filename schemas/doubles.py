"""Shapes that doubles and the pages over them share: scripts of troubles, mails that were sent."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from schemas.dto import Dto, Timestamp

MAX_SECONDS, MAX_TIMES, MAX_TROUBLES = 3_600.0, 100, 100
Mode = Literal["test", "live"]
TroubleKind = Literal[
    "none", "slow", "500", "500-but-done", "duplicate", "reordered", "lost", "late"
]


class Trouble(Dto):
    """One thing that goes wrong with the next requests of a double, `times` of them.

    `seconds` is how long `slow` waits with its answer and `late` with the delivery; `none` lets
    requests pass, so that a script can begin with the third.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TroubleKind
    seconds: float = Field(0.0, ge=0, le=MAX_SECONDS)
    times: int = Field(1, ge=1, le=MAX_TIMES)


class Script(Dto):
    """Troubles in their order; behind the last one all goes well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    troubles: tuple[Trouble, ...] = Field((), max_length=MAX_TROUBLES)


class SentMail(Dto):
    """A mail that arrived. `id` sorts by the moment of its arrival."""

    id: str
    sent_at: Timestamp
    sender: str
    to: str
    subject: str


class SentMailText(SentMail):
    """`source` is the whole message as it travels."""

    text: str
    source: str
