"""Schedules: drawn from a seed, run, and made small when they find something."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.unit.simulator.invariants import Broken, check_end, check_moment
from tests.unit.simulator.world import Obliging, World

# (action, x, y): the numbers choose among what is possible then, so any part of a schedule is one.
Action = tuple[str, int, int]
Schedule = tuple[Action, ...]
# Runs a schedule; None when all held, else what did not.
Check = Callable[[Schedule, Callable[[], World]], str | None]
WEIGHTS = {
    "deliver": 10,
    "answer": 5,
    "send": 4,
    "fire": 4,
    "operate": 2,
    "set_clock": 1,
    "meddle": 2,
    "start": 1,
}
LENGTH = 6
# Rounds of reading, sending, answering and waiting; the longest story there is needs about 30.
ENOUGH = 100
# How schedules begin: one saga starts, and for a while effects answer as well as they can, or fail
# and are asked again; a few actions by chance seldom come to the third command of a saga.
_READ: Schedule = (("deliver", 44, 6),)
_SEND: Schedule = (("send", 5, 0),) * 2
_GOOD: Schedule = (*_READ, *_SEND, ("answer", 0, 80), ("answer", 1, 80))
_BAD: Schedule = (*_READ, *_SEND, ("answer", 0, 48), *_READ, ("fire", 1, 0))
_GIVEN_UP = _BAD * 3 + _GOOD + _READ
_BEGINNINGS = (
    *(((),) * 5 + (_GOOD,) * 3 + (_BAD, _GOOD * 2)) * 4,
    *(_GOOD * 3, _GOOD * 4, _GOOD + _BAD, _BAD * 2, _GIVEN_UP, _GOOD + _GIVEN_UP),
)
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
    return (
        *(("start", bits(16), bits(16)) for _ in range(1 + (bits(2) == 0))),
        *(
            _disturbed(action, bits(16)) if bits(2) == 0 else action
            for action in _BEGINNINGS[bits(16) % len(_BEGINNINGS)]
        ),
        *((_ACTIONS[bits(16) % len(_ACTIONS)], bits(16), bits(16)) for _ in range(length)),
    )


def _disturbed(action: Action, x: int) -> Action:
    """A delivery into which another process comes."""
    name, _, y = action
    return (name, x & ~15, y) if name == "deliver" else action


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
    """A worker of each kind that knows where all stand reads all there is; sagas first, for the
    view reads theirs.
    """
    for kind in range(2):
        world.enter(world.workers[kind][0])
        for _ in range(50):
            if not world.act("deliver", 44 + kind, 6):
                break
        else:
            raise Broken("reading never comes to an end")


def strands(schedule: Schedule, world_of: Callable[[], World] = Obliging) -> str | None:
    """Which saga comes to no end although all goes well from here on; None when all do."""
    world = world_of()
    for action in schedule:
        world.act(*action)
    for _ in range(ENOUGH):
        before = world.store.changes
        _deliver_everything(world)
        while world.store.commands:
            world.act("send", 5, 0)
        world.answer_all()
        if not (going := world.going()):
            return None
        if world.store.changes == before:
            world.act("fire", 1, 0)
    return f"{', '.join(going)} never end"


def search(
    seed: int,
    schedules: int,
    world_of: Callable[[], World] = World,
    length: int = LENGTH,
    check: Check = run,
) -> Found | None:
    """Run so many; the first that breaks something, made small."""
    for number in range(schedules):
        name = f"{seed}/{number}"
        schedule = drawn(name, length)
        if check(schedule, world_of) is not None:
            small = shrunk(schedule, world_of, check)
            return Found(name, check(small, world_of) or "", small)
    return None


def shrunk(schedule: Schedule, world_of: Callable[[], World], check: Check = run) -> Schedule:
    """No action can be left out of the answer, and no number be made zero."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(schedule):
            if check(candidate, world_of) is not None:
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
