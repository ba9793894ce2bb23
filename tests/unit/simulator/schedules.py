"""Schedules: drawn from a seed, run, and made small when they find something."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.unit.simulator.invariants import Broken, check_end, check_moment
from tests.unit.simulator.world import World

# (action, x, y): the numbers choose among what is possible then, so any part of a schedule is one.
Action = tuple[str, int, int]
Schedule = tuple[Action, ...]
WEIGHTS = {
    "deliver": 10,
    "answer": 5,
    "send": 4,
    "fire": 4,
    "operate": 2,
    "set_clock": 1,
    "delete": 1,
    "upload": 1,
}
LENGTH = 12
# How schedules begin: with an upload, for before one nothing happens; every other one where the
# measurement is asked for, which twelve actions by chance seldom reach.
_READ_ALL = ("deliver", 20, 6)
_UPLOADED: Schedule = (("upload", 0, 0),)
_MEASURING: Schedule = (*_UPLOADED, _READ_ALL, ("answer", 0, 16), _READ_ALL, ("send", 5, 0))
_ACTIONS = tuple(action for action, weight in WEIGHTS.items() for _ in range(weight))


@dataclass(frozen=True)
class Found:
    """`schedule` is the smallest that still breaks it."""

    seed: str
    what: str
    schedule: Schedule

    def __str__(self) -> str:
        lines = "\n".join(f"    {action}({x}, {y})" for action, x, y in self.schedule)
        return f"{self.what}\n  seed {self.seed}, made small:\n{lines}"


def drawn(seed: object, length: int = LENGTH) -> Schedule:
    """The same seed, the same schedule."""
    chance = random.Random(str(seed))
    bits = chance.getrandbits
    begin = _MEASURING if bits(1) else _UPLOADED
    rest = length - len(begin)
    return (
        *begin,
        *((_ACTIONS[bits(16) % len(_ACTIONS)], bits(16), bits(16)) for _ in range(rest)),
    )


def run(schedule: Schedule, world_of: Callable[[], World] = World) -> str | None:
    """None when everything held, else what did not."""
    world = world_of()
    checkpoints: dict[object, int] = {}
    try:
        for action in schedule:
            before = world.store.changes
            world.act(*action)
            if world.store.changes != before:
                check_moment(world, checkpoints)
        _deliver_everything(world)
        check_moment(world, checkpoints)
        check_end(world)
    except (Broken, AssertionError) as broken:
        return str(broken) or repr(broken)
    return None


def _deliver_everything(world: World) -> None:
    """A healthy worker of each kind reads all there is; sagas first, for the view reads theirs."""
    for kind in range(2):
        world.workers[kind][0] = world.worker(("saga", "view")[kind])
        for _ in range(50):
            if not world.act("deliver", 20 + kind, 6):
                break
        else:
            raise Broken("reading never comes to an end")


def search(
    seed: int, schedules: int, world_of: Callable[[], World] = World, length: int = LENGTH
) -> Found | None:
    """Run so many; the first that breaks something, made small."""
    for number in range(schedules):
        name = f"{seed}/{number}"
        schedule = drawn(name, length)
        if run(schedule, world_of) is not None:
            small = shrunk(schedule, world_of)
            return Found(name, run(small, world_of) or "", small)
    return None


def shrunk(schedule: Schedule, world_of: Callable[[], World] = World) -> Schedule:
    """No action can be left out of the answer, and no number be made zero."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(schedule):
            if run(candidate, world_of) is not None:
                schedule, smaller = candidate, True
                break
    return schedule


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    size = len(schedule) // 2
    while size:
        for start in range(0, len(schedule), size):
            yield schedule[:start] + schedule[start + size :]
        size //= 2
    for index, (action, x, y) in enumerate(schedule):
        for simpler in ((action, 0, y), (action, x, 0)):
            if simpler != (action, x, y):
                yield (*schedule[:index], simpler, *schedule[index + 1 :])
