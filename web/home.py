"""The parts of Home and the inbox that areas bring: items that name one thing and lead to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.caller import Caller


@dataclass(frozen=True, slots=True)
class Item:
    """`what` names the thing, `why` says why it is here, `path` leads to it."""

    what: str
    path: str
    why: str = ""
    at: datetime | None = None


Tell = Callable[[Caller], Sequence[Item]]


def nothing(caller: Caller) -> Sequence[Item]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePart:
    """An area's share: what needs the caller, what is running, what is new; and what to do `first`,
    said as long as they have nothing here.

    `needs` is asked with every page, for the count beside the inbox: it must cost no more than a
    look at an index. `views` are the read models that all of it is read from.
    """

    views: tuple[str, ...] = ()
    needs: Tell = nothing
    running: Tell = nothing
    new: Tell = nothing
    first: Tell = nothing


class Home:
    """All areas' parts, in the areas' order."""

    def __init__(self, parts: Iterable[HomePart]) -> None:
        self._parts = tuple(parts)
        self.views = tuple(dict.fromkeys(view for part in self._parts for view in part.views))

    def needs(self, caller: Caller) -> list[Item]:
        return [item for part in self._parts for item in part.needs(caller)]

    def running(self, caller: Caller) -> list[Item]:
        return [item for part in self._parts for item in part.running(caller)]

    def new(self, caller: Caller) -> list[Item]:
        return [item for part in self._parts for item in part.new(caller)]

    def first(self, caller: Caller) -> list[Item]:
        return [item for part in self._parts for item in part.first(caller)]
