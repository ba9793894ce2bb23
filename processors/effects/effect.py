"""The interface of an effect."""

from __future__ import annotations

from typing import ClassVar, Protocol

from commands.command import Command
from events.envelope import Recorded
from events.model import Event


class Interrupted(Exception):
    """Raised by an effect whose tools were shut down under it: nothing is known of the work."""


class Intents(Protocol):
    """Which events want the effect: of `intents`, those that it `wants`. `name` is stored with the
    work: never change it.

    `outcomes` are the answers that the effect keeps (`events/outcome.py`). An effect that names
    some is always answered by one of them, in a stream of its own that nothing can refuse: neither
    a subject that is gone, nor one that is erased, decided or closed. Work of an effect that names
    none ends without a word where its outcome command is refused by such a subject.

    `moves_money`: its intents are `MovesMoney` (`events/money.py`), so the erasure of whose money
    it is waits for the answer, which is kept.
    """

    @property
    def name(self) -> str: ...

    @property
    def categories(self) -> tuple[str, ...]: ...

    @property
    def intents(self) -> tuple[type[Event], ...]: ...

    @property
    def outcomes(self) -> tuple[type[Event], ...]: ...

    @property
    def moves_money(self) -> bool: ...

    @staticmethod
    def wants(event: Recorded) -> bool:
        """Is this event an intent of this effect?"""
        ...


class Effect(Intents, Protocol):
    """One kind of work on the outside world. Subclasses have the defaults of `outcomes`,
    `moves_money`, `cap` and `server`.

    `cap` is how many runners of one process may perform it at once. Beside other effects it is
    below the number of runners, so that the others go on when the world outside does not answer.
    Effects that name the same `server` wait for the same answer, and are counted together.
    """

    outcomes: ClassVar[tuple[type[Event], ...]] = ()
    moves_money: ClassVar[bool] = False
    cap: int = 1
    server: str | None = None

    @property
    def max_attempts(self) -> int: ...

    def perform(self, event: Recorded) -> Command | Event | None:
        """Do it; the answer is the outcome command, None if there is nothing (any more) to say. An
        effect that keeps its answers always answers with one of `outcomes`.

        Runs at least once per intent: the event's id is the idempotency key towards the world.
        """
        ...

    def give_up(self, event: Recorded, error: Exception) -> Command | Event | None:
        """The outcome after the last attempt failed."""
        ...
