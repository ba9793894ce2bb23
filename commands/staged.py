"""A decision of a unit of work, with what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregates.decision import Decision
from commands.loading import Loaded
from commands.rules import AggregateModule
from events.ids import EventId
from events.store.codec import EventCodec
from events.store.pending import PendingEvent

UNDECIDED = Decision()


@dataclass(slots=True)
class Staged:
    """`decide` needs only the state any more."""

    module: AggregateModule[Any]
    stream_id: str
    decide: Callable[[Any], Decision]
    loaded: Loaded
    new: bool = False
    pinned: bool = False
    decision: Decision = UNDECIDED

    def after(self, position: int | None = None) -> Loaded:
        """The stream with the events of this decision, of which the last is at `position`."""
        return self.loaded.advanced(self.module, self.decision.events, position=position)

    def pending(self, codec: EventCodec, tenant: str, now: datetime) -> Iterator[PendingEvent]:
        """Its events as they are to be appended; `now` is their time unless the decision says
        another.
        """
        decision = self.decision
        for index, event in enumerate(decision.events):
            event_id = EventId.new()
            yield PendingEvent(
                event_id=event_id,
                stream_id=self.stream_id,
                stream_version=self.loaded.version + 1 + index,
                category=event.category,
                type=event.type,
                version=event.version,
                effective_at=decision.effective_at or now,
                data=codec.encode(event, event_id, self.stream_id, tenant),
                takes=decision.takes if index == 0 else (),
                releases=decision.releases if index == 0 else (),
            )
