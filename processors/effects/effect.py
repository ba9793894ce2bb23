"""What an effect is."""

from __future__ import annotations

from typing import Protocol

from events.envelope import Recorded
from pydantic import BaseModel


class Effect(Protocol):
    """One kind of work on the outside world. `name` is stored with the work: never change it."""

    name: str
    categories: tuple[str, ...]
    max_attempts: int

    def wants(self, event: Recorded) -> bool:
        """Is this event an intent of this effect?"""
        ...

    def perform(self, event: Recorded) -> BaseModel | None:
        """Do it; the answer is the outcome command, None if there is nothing (any more) to say.

        Runs at least once per intent: the event's id is the idempotency key towards the world.
        """
        ...

    def give_up(self, event: Recorded, error: Exception) -> BaseModel | None:
        """The outcome command after the last attempt failed."""
        ...
