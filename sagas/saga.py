"""The form of a saga: inputs, steps, and how its state is kept in its own stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from commands.command import Command
from events.model import Event

# Every input carries its time, `at`, by the clock of the domain: "30 days after the proposal" is
# `Timer("expiry", at=input.at + timedelta(days=30))`.


@dataclass(frozen=True, slots=True)
class Happened:
    """An event the saga watches; `at` is its `effective_at`."""

    event: Event
    at: datetime


@dataclass(frozen=True, slots=True)
class TimerFired:
    """`at` is when it was due, however late it fires."""

    token: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """The verdict on a command the saga sent: it was refused for good."""

    command: str
    code: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Retried:
    """An operator wants it asked for again. A saga that says nothing to this sends the commands of
    its last step again.
    """

    at: datetime


@dataclass(frozen=True, slots=True)
class Skipped:
    """An operator waives what the saga waits for; no reaction means that it cannot be waived."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Aborted:
    """An operator aborts the saga: the runtime sends `Saga.undo` and ends it, without `react`."""

    at: datetime


Input = Happened | TimerFired | Refused | Retried | Skipped | Aborted


@dataclass(frozen=True, slots=True)
class Ended:
    """The end state of every saga: nothing moves it any more, unless its table says how it begins
    again. `outcome` says how it ended.
    """

    outcome: str


@dataclass(frozen=True, slots=True)
class Timer:
    """Fires `TimerFired(token)`: `after` so long, counted from the step, or `at` a time, at once if
    that has passed. Setting the same token again replaces it.
    """

    token: str
    after: timedelta | None = field(default=None, kw_only=True)
    at: datetime | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.after is None) == (self.at is None):
            raise ValueError(f"the timer {self.token} fires either `after` a while or `at` a time")


@dataclass(frozen=True, slots=True, init=False)
class Step:
    """The state after an input, commands to send and timers to set.

    All other timers are dropped, unless the step says `keep`; an ended saga keeps none.
    """

    state: Any
    send: tuple[Command, ...]
    wait: tuple[Timer, ...]
    keep: bool

    def __init__(
        self,
        state: Any,
        *,
        send: tuple[Command, ...] = (),
        wait: tuple[Timer, ...] = (),
        keep: bool = False,
    ) -> None:
        object.__setattr__(self, "state", state)
        object.__setattr__(self, "send", send)
        object.__setattr__(self, "wait", wait)
        object.__setattr__(self, "keep", keep)


def nothing_to_undo(state: Any) -> tuple[Command, ...]:
    return ()


def never_ended_by_hand(state: Any) -> None:
    """The `undo` of a saga that may not be aborted."""


_ENDED = {"Ended": Ended}


@dataclass(frozen=True)
class Saga:
    """`watches` are the events that may move it: the runtime shows it no others. `stream_of`
    answers the saga's stream for such an event, None where it has none.

    `react` answers None when the input changes nothing. `states` are frozen dataclasses of
    JSON-able fields under the names that they are stored with: never change one of these.
    `undo` names the compensation: the commands that make good what led to this state, in the
    order to send them, None where that cannot be. A `money` saga stops at an event that it cannot
    digest; any other goes on without the event's stream.
    """

    name: str
    version: int
    categories: tuple[str, ...]
    stepped: type[Event]
    states: Mapping[str, type]
    watches: tuple[type[Event], ...]
    stream_of: Callable[[Event], str | None]
    react: Callable[[Any, Input], Step | None]
    undo: Callable[[Any], tuple[Command, ...] | None] = nothing_to_undo
    money: bool = False

    def remember(self, state: Any) -> tuple[str, dict[str, Any]]:
        """(name, memory) to be stored of a state."""
        # States are flat: asdict would copy every id, a third of a step's time.
        return self.name_of(state), {f.name: getattr(state, f.name) for f in fields(state)}

    def recall(self, name: str, memory: Mapping[str, Any]) -> Any:
        state = {**self.states, **_ENDED}[name]
        # Unknown fields are left out: an earlier version of the state remembered more.
        known = {field.name for field in fields(state)}
        return state(**{name: value for name, value in memory.items() if name in known})

    def name_of(self, state: Any) -> str:
        """The stored name of a state."""
        return self._names[type(state)]

    @cached_property
    def _names(self) -> dict[type, str]:
        return {state: name for name, state in (*self.states.items(), *_ENDED.items())}
