"""In the trash → deleted when its time is over, unless somebody takes it out or deletes it before.

One saga for each recording: it begins again each time that the recording is put into the trash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from commands.vault.emptying import EmptyFromTrash
from events.ids import AssetId, EmptyingId
from events.model import Event
from events.times import from_micros, to_micros
from events.vault.asset import AssetDeleted, AssetRestored, AssetTrashed
from events.vault.emptying import EmptyingStepped
from sagas.saga import Ended, Happened, Input, Saga, Step, Timer, TimerFired

# A backstop for a command that was lost: its answer is the recording's deletion.
AGAIN = Timer("again", after=timedelta(hours=6))


@dataclass(frozen=True, slots=True)
class InTrash:
    """Waiting for the time at which it is deleted, in microseconds since 1970."""

    asset_id: str
    until_micros: int


# Outcomes: deleted, restored, aborted.


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case ((None | Ended()), Happened(AssetTrashed() as trashed)):
            waiting = InTrash(trashed.asset_id, to_micros(trashed.until))
            return Step(waiting, wait=(Timer("empty", at=trashed.until),))
        case InTrash(), Happened(AssetRestored()):
            return Step(Ended("restored"))
        case InTrash(), Happened(AssetDeleted()):
            return Step(Ended("deleted"))
        case InTrash(asset_id, until), TimerFired():
            empty = EmptyFromTrash(asset_id=AssetId(asset_id), until=from_micros(until))
            return Step(state, send=(empty,), wait=(AGAIN,))
        case _:
            return None


def stream_of(event: Event) -> str | None:
    asset_id = getattr(event, "asset_id", None)
    return EmptyingId.beside(asset_id) if asset_id else None


EMPTYING = Saga(
    name="emptying",
    version=1,
    categories=("asset",),
    stepped=EmptyingStepped,
    states={"InTrash": InTrash},
    watches=(AssetTrashed, AssetRestored, AssetDeleted),
    stream_of=stream_of,
    react=react,
)
