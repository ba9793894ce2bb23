"""The interface of an effect."""

from __future__ import annotations

from typing import Protocol

from commands.command import Command
from events.envelope import Recorded
from events.model import Event


class Interrupted(Exception):
    """Raised by an effect whose tools were shut down under it: nothing is known of the work."""


class Intents(Protocol):
    """Which events want the effect: of `intents`, those that it `wants`. `name` is stored with the
    work: never change it.
    """

    @property
    def name(self) -> str: ...

    @property
    def categories(self) -> tuple[str, ...]: ...

    @property
    def intents(self) -> tuple[type[Event], ...]: ...

    @staticmethod
    def wants(event: Recorded) -> bool:
        """Is this event an intent of this effect?"""
        ...


class Effect(Intents, Protocol):
    """One kind of work on the outside world. Subclasses have the defaults of `cap` and `server`.

    `cap` is how many runners of one process may perform it at once. Beside other effects it is
    below the number of runners, so that the others go on when the world outside does not answer.
    Effects that name the same `server` wait for the same answer, and are counted together.
    """

    cap: int = 1
    server: str | None = None

    @property
    def max_attempts(self) -> int: ...

    def perform(self, event: Recorded) -> Command | None:
        """Do it; the answer is the outcome command, None if there is nothing (any more) to say.

        Runs at least once per intent: the event's id is the idempotency key towards the world.
        """
        ...

    def give_up(self, event: Recorded, error: Exception) -> Command | None:
        """The outcome command after the last attempt failed."""
        ...
