"""A decision of a unit of work, with what it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aggregates.decision import Decision
from commands.loading import Loaded
from commands.rules import AggregateModule

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
