"""A hold with a countdown, raced by its timer, a payment and the next takers, in every order."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from itertools import permutations
from unittest.mock import patch

import pytest

from commands.lapsed import LapsedHolds
from events.store.pending import ClaimTaken
from events.times import rfc3339
from tests import ticketing
from tests.unit.simulator.memory import MOMENT
from tests.unit.simulator.selling import ACTIONS, HOLDER, TAKER, Selling

DRAWS = 1


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def run_all(draws: int = DRAWS) -> set[str | None]:
    """Every order, each with as many draws of faults and of who overtakes whom. Answers who let
    the first hold go.
    """
    let_go_by = set()
    for number, order in enumerate(permutations(ACTIONS)):
        for draw in range(draws):
            world = Selling()
            try:
                world.run(order, random.Random(f"{number}/{draw}"))
                world.come_to_an_end()
                world.check()
            except AssertionError as broken:
                raise AssertionError(f"{broken} in {order}, draw {draw}") from broken
            let_go_by.add(world.let_go_by())
    return let_go_by


def test_in_every_order_the_seat_has_one_holder_and_each_payment_is_settled_once():
    assert run_all() == {None, "timer", "payment", "taker"}


def test_a_taker_who_does_not_ask_the_holders_rule_is_found():
    """Or the simulator would prove nothing: here a hold is taken over whether or not it lapsed."""

    def at_any_time(hold: object, now: object, *expired: object) -> object:
        return real(hold, MOMENT + 10 * ticketing.HELD_FOR, *expired)  # type: ignore[arg-type]

    real = ticketing.expire_hold
    with patch("tests.ticketing.expire_hold", at_any_time), pytest.raises(AssertionError):
        run_all(draws=1)


def test_a_hold_that_has_not_lapsed_is_refused_with_its_end():
    world = Selling()
    with pytest.raises(ClaimTaken) as refused:
        world.take(TAKER)
    assert refused.value.holder == HOLDER
    assert refused.value.until == rfc3339(MOMENT + ticketing.HELD_FOR)


def test_a_lapsed_hold_of_which_nobody_knows_the_rule_stays(monkeypatch: pytest.MonkeyPatch):
    world = Selling()
    world.do_lapse(0, 0)
    monkeypatch.setattr(LapsedHolds, "add", lambda *_, **__: None)
    with pytest.raises(ClaimTaken) as refused:
        world.take(TAKER)
    assert refused.value.until is None


def test_what_is_taken_over_twice_is_answered_as_at_first():
    world = Selling()
    world.do_lapse(0, 0)
    world.take(TAKER)
    before = len(world.store.log)
    world.take(TAKER)
    assert len(world.store.log) == before
