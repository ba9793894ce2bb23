"""Ten thousand seeded schedules on the product's own engines; and that it finds what is broken."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.areas import SAGAS
from tests.unit.simulator import mutants
from tests.unit.simulator.described import DESCRIBED
from tests.unit.simulator.schedules import WEIGHTS, Schedule, drawn, run, search, strands
from tests.unit.simulator.world import Obliging, World

SEED, SCHEDULES = 20_261_122, 10_000
NUMBERS = st.integers(0, 2**16 - 1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What is refused on purpose is logged by the product, ten thousand times."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("quarter", range(4))
def test_nothing_that_may_happen_loses_doubles_or_strands_anything(quarter: int):
    """In four parts, which two workers of the suite share."""
    found = search(SEED + quarter, SCHEDULES // 4)
    assert found is None, str(found)


def test_nor_does_it_where_a_saga_names_hours_and_keeps_timers():
    found = search(SEED, 1_000, mutants.Offers)
    assert found is None, str(found)


@settings(max_examples=200, deadline=None)
@given(
    NUMBERS, st.lists(st.tuples(st.sampled_from(sorted(WEIGHTS)), NUMBERS, NUMBERS), max_size=40)
)
def test_no_schedule_that_hypothesis_thinks_of_does_either(
    number: int, actions: list[tuple[str, int, int]]
):
    assert run((("start", number, 0), *actions)) is None


def test_the_same_seed_is_the_same_schedule_and_the_same_story():
    def story(schedule: Schedule) -> list[tuple[str, str]]:
        world = World()
        for action in schedule:
            world.act(*action)
        return [(event.stream_id, event.type) for event in world.store.log]

    for number in range(50):
        assert drawn(number) == drawn(number)
        assert story(drawn(number)) == story(drawn(number))


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.__name__)
def test_what_is_broken_is_found_and_made_small(mutant: type[World]):
    found = search(SEED, SCHEDULES, mutant)
    assert found is not None, "a simulator that finds nothing proves nothing"
    assert len(found.schedule) <= 8
    assert run(found.schedule, mutant) is not None
    sound = mutants.Offers if issubclass(mutant, mutants.Offers) else World
    assert run(found.schedule, sound) is None, "it is the mutation that breaks it"
    assert f"seed {SEED}/" in str(found)


def test_left_alone_every_saga_comes_to_its_end():
    found = search(SEED, 500, Obliging, length=20, check=strands)
    assert found is None, str(found)


def test_a_saga_that_waits_for_ever_is_found_and_made_small():
    found = search(SEED, SCHEDULES, mutants.AReanalysisNeverEnds, check=strands)
    assert found is not None
    assert len(found.schedule) <= 8
    assert strands(found.schedule) is None, "it is the mutation that strands it"


def test_what_is_harmless_is_not_found():
    assert search(SEED, 500, mutants.CommandsAreNeverForgotten) is None


@pytest.mark.parametrize("name", sorted(SAGAS))
def test_the_simulator_was_told_of_every_saga(name: str):
    assert name in DESCRIBED, f"say in tests/unit/simulator/described.py how {name} begins and ends"


def test_every_state_input_and_fault_of_every_saga_is_reached():
    """Or the schedules would be a walk around the house."""
    states, inputs, crashes = defaultdict(set), defaultdict(set), 0
    for number in range(1_500):
        world = World()
        for action in drawn(f"{SEED}/{number}"):
            before = [worker for kind in world.workers for worker in kind]
            world.act(*action)
            after = [worker for kind in world.workers for worker in kind]
            crashes += any(a is not b for a, b in zip(before, after, strict=True))
        for _, stream in world.saga_streams():
            for event in stream:
                step = world.codec.events[event.event_id]
                states[event.category].add(step.memory.get("outcome", step.state))
                inputs[event.category].add((step.input.kind, step.input.name))
    for name, saga in SAGAS.items():
        assert states[name] == {*saga.states, *DESCRIBED[name].outcomes}
        assert inputs[name] >= {("event", event.type) for event in saga.watches}
        assert {kind for kind, _ in inputs[name]} >= {"event", "timer", "operator"}
    taken = set().union(*inputs.values())
    assert {kind for kind, _ in taken} == {"event", "timer", "refusal", "operator"}
    assert {name for kind, name in taken if kind == "operator"} == {"retry", "skip", "abort"}
    assert crashes > 500
