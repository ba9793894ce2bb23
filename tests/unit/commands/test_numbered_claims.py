"""Numbered claims: never more than n, and never a refusal while one is free."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.decision import Decision
from aggregates.hold import StillHeld
from commands.numbers import AllTaken
from commands.unit import CommandContext, Unit
from events.claims import Claim, Numbered
from events.ids import CommandId, CorrelationId, Id, WorkspaceId
from events.model import Event, Registry
from tests.unit.simulator.memory import Codec, Commands, Log, Store

STORED_AS = "tests.place"
WORKSPACE = WorkspaceId.derived("numbers")


class PlaceId(Id, prefix="xpl"):
    """One of the places of a day."""


with patch("events.model.REGISTRY", Registry()):

    class PlaceTaken(Event, type="place.taken", version=1):
        place_id: PlaceId
        number: int

    class PlaceGivenBack(Event, type="place.given_back", version=1):
        place_id: PlaceId


def day(of: int) -> Numbered:
    return Numbered("provider-day", "2026-01-01", of)


def take(nothing: int | None, place_id: PlaceId, *, number: int, of: int) -> Decision:
    return Decision(PlaceTaken(place_id=place_id, number=number), takes=(day(of).at(number),))


def give_back(number: int | None, place_id: PlaceId) -> Decision:
    assert number is not None
    return Decision(PlaceGivenBack(place_id=place_id), releases=(day(number).at(number),))


def expire(number: int | None, place_id: PlaceId, *, lapsed: set[PlaceId]) -> Decision:
    """As `aggregates.hold.expire`, of holds that lapse when a test says so."""
    if number is None:
        return Decision()
    if place_id not in lapsed:
        raise StillHeld(datetime(2026, 1, 1, tzinfo=UTC))
    return give_back(number, place_id)


def evolve(number: int | None, event: Event) -> int | None:
    return event.number if isinstance(event, PlaceTaken) else None


place: Any = sys.modules[__name__]


@dataclass(frozen=True)
class Act:
    """`which` chooses whose place is given back; each of `meanwhile` is done before one of its
    appends.
    """

    what: str
    which: int
    meanwhile: tuple[Act, ...] = ()


class Day:
    def __init__(self, of: int) -> None:
        self.of, self.store, codec = of, Store(), Codec()
        self.commands: Any = Commands(self.store, Log(self.store), codec)
        self.numbers: dict[PlaceId, int] = {}
        self.lapsed: set[PlaceId] = set()
        # The numbers that were held, by holds that had not lapsed, after each change.
        self.moments: list[frozenset[int]] = [frozenset()]
        self.asked = 0

    def do(self, act: Act) -> None:
        waiting = list(act.meanwhile)

        def overtake() -> None:
            other = waiting.pop(0)
            self.do(other)
            self.store.overtaking = overtake if waiting else None

        self.store.overtaking = overtake if waiting else None
        getattr(self, act.what)(act.which)
        self.store.overtaking = None

    def grow(self, _: int) -> None:
        self.of += 1

    def take(self, _: int) -> int | None:
        self.asked += 1
        place_id, of, since = PlaceId.derived(self.asked), self.of, len(self.moments) - 1
        unit = self.unit(place_id)
        unit.take_over("provider-day", PlaceId, place, place.expire, lapsed=self.lapsed)
        try:
            unit.numbered(
                day(of),
                lambda number: unit.start(place, place_id, place.take, number=number, of=of),
            )
            unit.commit()
        except AllTaken:
            full = frozenset(range(1, of + 1))
            assert any(held >= full for held in self.moments[since:]), "one was always free"
            return None
        number = self.commands.load(place, place_id).state
        assert 1 <= number <= of
        for other in [each for each in self.numbers if self.numbers[each] == number]:
            assert other in self.lapsed, "a number was taken from who held it"
            del self.numbers[other]
        self.numbers[place_id] = number
        self._changed()
        return number

    def give_back(self, which: int) -> None:
        if not self.numbers:
            return
        place_id = sorted(self.numbers)[which % len(self.numbers)]
        del self.numbers[place_id]
        unit = self.unit(f"{place_id} given back")
        unit.change(place, place_id, place.give_back)
        unit.commit()
        self._changed()

    def lapse(self, which: int) -> None:
        if self.numbers:
            self.lapsed.add(sorted(self.numbers)[which % len(self.numbers)])
            self._changed()

    def unit(self, what: str) -> Unit:
        context = CommandContext(
            None, WORKSPACE, CommandId.derived(what), CorrelationId.derived(what)
        )
        unit: Unit = self.commands.unit(context, input=None)
        return unit

    def _changed(self) -> None:
        assert len(self.numbers) <= self.of
        held = {key for _, _, key in self.store.claims}
        assert held == {day(self.of).at(number).key for number in self.numbers.values()}
        self.moments.append(
            frozenset(number for each, number in self.numbers.items() if each not in self.lapsed)
        )


NUMBERS = st.integers(0, 7)
ACTS: st.SearchStrategy[Act] = st.recursive(
    st.builds(Act, st.sampled_from(["take", "take", "give_back", "grow", "lapse"]), NUMBERS),
    lambda inner: st.builds(Act, st.just("take"), NUMBERS, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3), st.lists(ACTS, max_size=8))
def test_never_more_than_n_are_taken_and_none_is_refused_while_one_is_free(
    of: int, acts: list[Act]
):
    world = Day(of)
    for act in acts:
        world.do(act)


def test_whoever_loses_a_number_gets_the_next_and_the_last_is_refused():
    world = Day(of=3)
    world.do(Act("take", 0, (Act("take", 0), Act("take", 0), Act("take", 0))))
    assert sorted(world.numbers.values()) == [1, 2, 3]
    assert world.asked == 4


def test_a_number_that_was_given_back_is_the_next_one_taken():
    world = Day(of=3)
    assert [world.take(0) for _ in range(4)] == [1, 2, 3, None]
    world.give_back(sorted(world.numbers).index(next(iter(world.numbers))))
    assert world.take(0) == 1
    world.grow(0)
    assert world.take(0) == 4


def test_a_number_whose_hold_has_lapsed_is_taken_over_by_one():
    world = Day(of=2)
    for act in (Act("take", 0), Act("take", 0), Act("lapse", 1)):
        world.do(act)
    (first, second), lapsed = sorted(world.numbers), world.lapsed
    world.do(Act("take", 0, (Act("take", 0),)))
    assert lapsed < {first, second}
    assert len(world.numbers) == 2
    assert not lapsed & world.numbers.keys()


def test_a_command_that_had_a_number_is_answered_as_then_when_all_are_taken():
    world = Day(of=1)
    world.take(0)
    world.asked -= 1
    del world.numbers[PlaceId.derived(1)]
    assert world.take(0) == 1


def test_what_refuses_says_how_many_there_are():
    with pytest.raises(AllTaken, match="All 2 of provider-day") as refused:
        raise AllTaken(day(2))
    assert refused.value.details == {"kind": "provider-day", "limit": 2}


def test_the_numbers_of_a_limit_are_its_own_claims():
    assert day(2).at(2) == Claim("provider-day", "2026-01-01:2")
    assert day(2).number_of("2026-01-01:2") == 2
    assert day(2).number_of("2026-01-01:3") is None
