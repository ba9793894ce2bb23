"""The common form of the modules of `aggregates/`, as types that mypy checks each call against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from aggregates.decision import Decision
from events.ids import Id
from events.model import Event

State = TypeVar("State")
StreamId = TypeVar("StreamId", bound=Id)
Arguments = ParamSpec("Arguments")

# (state, id of the stream, *, the rest of what it needs); the unit of work hands in the first two.
Rule = Callable[Concatenate[State | None, StreamId, Arguments], Decision]
Evolve = Callable[[State | None, Event], State | None]


class AggregateModule(Protocol[State]):
    """A module of `aggregates/`: its `evolve` says what is true after an event, `STORED_AS` the
    name that its snapshots are stored under: it stays when the module is renamed or moved.
    """

    @property
    def evolve(self) -> Evolve[State]: ...

    @property
    def STORED_AS(self) -> str: ...


def knowing(
    decide: Rule[State, StreamId, Arguments],
    stream_id: StreamId,
    *args: Arguments.args,
    **said: Arguments.kwargs,
) -> Callable[[State | None], Decision]:
    """The rule with all that it needs but the state."""
    return lambda state: decide(state, stream_id, *args, **said)
