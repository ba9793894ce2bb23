"""A saga or an effect is never shown the events that it does not name: they must not matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product
from typing import Any

import pytest

from events.envelope import Recorded
from events.model import Event
from processors.account.erasure import CertifyEffect, DestroyKeyEffect, EraseContentsEffect
from processors.effects.consumer import EffectConsumer
from processors.vault.audio import AnalysisEffect, ProbeEffect
from processors.wake import Wake
from runtime.areas import SAGAS
from sagas.saga import Saga
from schemas.account.examples import ERASURE
from schemas.examples import WORKSPACE, all_examples
from schemas.vault.examples import ASSET, REANALYSIS
from tests.specification import happened

EFFECTS = (ProbeEffect, AnalysisEffect, EraseContentsEffect, DestroyKeyEffect, CertifyEffect)
VALUES = {"step": ("contents", "key", "certificate"), "erasure_id": (ERASURE,)}
VALUES |= {"reanalysis_id": (REANALYSIS,), "workspace_id": (WORKSPACE,)}
# As they are, and of a later run for a whole vault.
EVENTS = (
    *all_examples(),
    *(
        event.model_copy(update={"run": 2, "reanalysis_id": REANALYSIS})
        for event in all_examples()
        if event.category == "analysis"
    ),
)


def states(saga: Saga) -> Iterator[Any]:
    """None, and each state with every small attempt and every step."""
    yield None
    for state in saga.states.values():
        choices = [
            VALUES.get(field.name, (1, 2, 3) if field.type == "int" else (ASSET,))
            for field in fields(state)
        ]
        for values in product(*choices):
            yield state(*values)


def moving(saga: Saga) -> set[type[Event]]:
    """The examples that move it from one of its states, whatever it says to watch."""
    return {
        type(event)
        for event in EVENTS
        if type(event).type.partition(".")[0] in saga.categories
        and saga.stream_of(event) is not None
        and any(saga.react(state, happened(event)) is not None for state in states(saga))
    }


@pytest.mark.parametrize("name", SAGAS)
def test_a_saga_watches_exactly_the_events_that_may_move_it(name: str):
    assert moving(SAGAS[name]) == set(SAGAS[name].watches)


@pytest.mark.parametrize("name", SAGAS)
def test_an_event_left_out_is_found(name: str):
    forgetful = replace(SAGAS[name], watches=SAGAS[name].watches[1:])
    assert moving(forgetful) - set(forgetful.watches) == {SAGAS[name].watches[0]}


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_wants_nothing_but_its_intents(effect: Any):
    wanted = {type(event) for event in all_examples() if effect.wants(Recorded(None, event))}  # type: ignore[arg-type]
    assert wanted <= set(effect.intents)
    assert wanted or effect.intents


def test_the_consumer_of_effects_is_shown_every_intent():
    consumer = EffectConsumer("effects", EFFECTS, Wake())
    assert consumer.types == {intent.type for effect in EFFECTS for intent in effect.intents}
