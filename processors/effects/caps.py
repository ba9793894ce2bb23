"""Caps of effects: an effect that hangs leaves runners to the others."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from events.errors import NoCultureError
from processors.effects.effect import Effect


class WrongCap(NoCultureError):
    """A mistake of ours, found when the process starts."""

    status, code = 500, "wrong-cap"

    def __init__(self, effect: str, cap: int, most: int) -> None:
        super().__init__(
            f"The effect {effect} has a cap of {cap}, and 1 to {most} are allowed here: correct it,"
            " or start more runners"
        )


class OfEffect(Protocol):
    """Work that names its effect."""

    @property
    def effect(self) -> str: ...


W = TypeVar("W", bound=OfEffect)


class Caps:
    """The effects that the runners of one process share, and how many runners each has now.

    A runner that has done its work looks for the next itself, so nobody is woken for the place that
    it leaves.
    """

    def __init__(self, effects: Iterable[Effect], runners: int) -> None:
        """Raises WrongCap: an effect beside others leaves at least one of the runners to them."""
        self._effects = {effect.name: effect for effect in effects}
        most = runners - 1 if len(self._effects) > 1 else runners
        for name, effect in self._effects.items():
            if not 1 <= effect.cap <= most:
                raise WrongCap(name, effect.cap, most)
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Effect:
        return self._effects[name]

    def free(self) -> list[str]:
        """Names the effects that are below their caps."""
        return [
            name
            for name, effect in self._effects.items()
            if self._under_way[_counted_as(effect)] < effect.cap
        ]

    def take(self, lease: Callable[[Sequence[str]], W | None]) -> W | None:
        """Answers what `lease` does, given the effects that are below their caps.

        One thread at a time: two would both see the last place.
        """
        with self._lock:
            free = self.free()
            work = lease(free) if free else None
            if work is not None:
                self._under_way[_counted_as(self[work.effect])] += 1
        return work

    def end(self, work: OfEffect) -> None:
        with self._lock:
            self._under_way[_counted_as(self[work.effect])] -= 1


def _counted_as(effect: Effect) -> str:
    return effect.server or effect.name
