"""requested → contents deleted → key destroyed → certified. No erasure is ever given up.

Nothing is deleted while money of the person is on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from commands.account.erasure_commands import RequestErasureStep
from events.account.erasing import ErasingStepped
from events.account.erasure import (
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureMoneyAwaited,
    ErasureRequested,
)
from events.ids import ErasingId, ErasureId
from events.model import Event
from sagas.saga import (
    Ended,
    Happened,
    Input,
    Refused,
    Retried,
    Saga,
    Step,
    Timer,
    TimerFired,
    never_ended_by_hand,
)

# A stopped consumer or a parked stream may keep the certificate waiting for days: `consumers` tells
# the operator, and the saga asks for the certificate again, without limit, every 600 s.
AGAIN = Timer("again", after=timedelta(minutes=10))
Doing = Literal["money", "contents", "key", "certificate"]


@dataclass(frozen=True, slots=True)
class Erasing:
    """Waiting for one part of the work: `contents`, then `key`, then `certificate`; before them for
    `money` that is on its way.
    """

    erasure_id: str
    step: Doing
    attempt: int = 1


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case None, Happened(ErasureRequested() as requested):
            return _ask(Erasing(requested.erasure_id, "contents"))
        case ((None | Ended()), _):
            return None
        case Erasing(erasure_id, "contents", attempt), Happened(ErasureMoneyAwaited()):
            return Step(Erasing(erasure_id, "money", attempt), wait=(_look(attempt),))
        case Erasing(erasure_id, "money", attempt), (TimerFired("again") | Retried()):
            return _ask(Erasing(erasure_id, "contents", attempt + 1))
        case Erasing(erasure_id, "money" | "contents"), Happened(ErasureContentsDeleted()):
            return _ask(Erasing(erasure_id, "key"))
        case Erasing(erasure_id, "money" | "contents" | "key"), Happened(ErasureKeyDestroyed()):
            return _ask(Erasing(erasure_id, "certificate"))
        case Erasing(), Happened(ErasureCertified()):
            return Step(Ended("erased"))
        case Erasing(erasure_id, step, attempt), (TimerFired("again") | Retried()):
            return _ask(Erasing(erasure_id, step, attempt + 1))
        # No refusal ends an erasure: the refused part is asked for again when the timer fires.
        case Erasing(), Refused():
            return Step(state, wait=(AGAIN,))
        case _:
            return None


def _ask(state: Erasing) -> Step:
    request = RequestErasureStep(
        erasure_id=ErasureId(state.erasure_id), step=state.step, attempt=state.attempt
    )
    return Step(state, send=(request,), wait=(AGAIN,))


def _look(attempt: int) -> Timer:
    """The answer may be there in a moment, or in days: 5, 10, 15 … 600 s."""
    return Timer("again", after=timedelta(seconds=min(5 * attempt, 600)))


def stream_of(event: Event) -> str | None:
    erasure_id = getattr(event, "erasure_id", None)
    return ErasingId.beside(erasure_id) if erasure_id else None


ERASURE = Saga(
    name="erasing",
    version=1,
    categories=("erasure",),
    stepped=ErasingStepped,
    states={"Erasing": Erasing},
    watches=(
        ErasureRequested,
        ErasureMoneyAwaited,
        ErasureContentsDeleted,
        ErasureKeyDestroyed,
        ErasureCertified,
    ),
    stream_of=stream_of,
    react=react,
    undo=never_ended_by_hand,
)
