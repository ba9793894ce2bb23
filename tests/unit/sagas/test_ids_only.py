"""Sagas remember and send ids: their steps lie in the log for ever, and no destroyed key makes them
unreadable.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel, StringConstraints

import sagas
from commands.command import Command
from events.catalogue import modules
from events.ids import AssetId, Id
from events.model import Event, Personal
from events.saga_step import SagaInput, SagaStep, SetTimer
from runtime.areas import SAGAS
from sagas.saga import Happened, Saga
from schemas.examples import all_examples
from schemas.text import Text, Told
from tests.golden import AFTER_ALL_ERASURES, make, stored_envelope
from tests.unit.sagas.test_watched_events import states

PLAIN = (Id, Enum, int, float, datetime, date, NoneType)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# What a state reads back as text: an id, or the name of a file's contents.
IDS = ("_id", "sha256")


def speaking(kind: Any, at: str) -> Iterator[str]:
    """Fields of this type that may hold what somebody said or is called."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from () if _is_ours(kind) else speaking(inner[0], at)
    elif origin in (Union, UnionType, tuple, list):
        for each in inner:
            yield from () if each is Ellipsis else speaking(each, at)
    elif origin is Literal or kind in PLAIN:
        return
    elif isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        yield from fields_speaking(kind, at)
    elif not ((isinstance(kind, type) and issubclass(kind, PLAIN)) or _is_id(kind, at)):
        yield at


def fields_speaking(model: type[Any], at: str = "") -> Iterator[str]:
    hints = get_type_hints(model, include_extras=True)
    names = model.model_fields if issubclass(model, BaseModel) else [f.name for f in fields(model)]
    for name in names:
        yield from speaking(hints[name], f"{at or model.__name__}.{name}")


def _is_ours(kind: Any) -> bool:
    """Words of a program, or text that a pattern bounds."""
    return any(
        isinstance(mark, Told) or (isinstance(mark, StringConstraints) and mark.pattern)
        for mark in kind.__metadata__
    )


def _is_id(kind: Any, at: str) -> bool:
    return kind is str and at.endswith(IDS)


def sent() -> set[type[Command]]:
    """Every command that a module of sagas names."""
    found = [vars(importlib.import_module(name)).values() for name in modules(sagas)]
    return {
        each
        for values in found
        for each in values
        if isinstance(each, type) and issubclass(each, Command) and each is not Command
    }


@pytest.mark.parametrize("name", SAGAS)
def test_the_memory_of_a_saga_holds_ids_only(name: str):
    found = [at for state in SAGAS[name].states.values() for at in fields_speaking(state)]
    assert found == []


@pytest.mark.parametrize(
    "command", sorted(sent(), key=lambda sent: sent.stored_name), ids=lambda sent: sent.stored_name
)
def test_a_command_that_a_saga_sends_holds_ids_only(command: type[Command]):
    assert list(fields_speaking(command)) == []


def test_an_input_is_kept_as_a_reference():
    assert {*SagaInput.model_fields} == {"kind", "name", "reference", "at"}
    assert {*SetTimer.model_fields} == {"token", "delay_s", "at"}
    assert {*SagaStep.model_fields} == {"input", "state", "memory", "sent", "timers", "kept"}


def words(value: Any) -> Iterator[str]:
    """Texts in a value that are longer than any that could be there by chance."""
    if isinstance(value, str):
        yield from [value] if len(value) > 3 else []
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from words(each)


def personal(event: Event) -> set[str]:
    """Words of the event that are gone once everybody was erased."""
    read = AFTER_ALL_ERASURES.decode(stored_envelope(make(event)))
    assert read is not None
    return {*words(event.model_dump(mode="json"))} - {*words(read.data.model_dump(mode="json"))}


def kept(saga: Saga) -> Iterator[tuple[str, str]]:
    """(a personal word of an event, what a step keeps and sends that it led to)."""
    for event in all_examples():
        said = personal(event) if type(event) in saga.watches else ()
        for state in states(saga) if said else ():
            step = saga.react(state, Happened(event, NOW))
            if step is not None:
                memory = saga.remember(step.state)
                for word in said:
                    yield word, f"{memory} {[each.model_dump() for each in step.send]}"


@pytest.mark.parametrize("name", SAGAS)
def test_no_step_keeps_a_personal_value_of_the_event_that_led_to_it(name: str):
    assert [pair for pair in kept(SAGAS[name]) if pair[0] in pair[1]] == []


def test_the_ingest_is_shown_personal_values_that_it_could_have_kept():
    assert {word for word, _ in kept(SAGAS["ingest"])} >= {"Night Bus"}


# --- what breaks the rule is found --------------------------------------------------------------


@dataclass
class Address:
    email_id: str
    street: str


@dataclass
class Waiting:
    asset_id: str
    sha256: str
    step: Literal["first"]
    attempt: int
    name: str
    email: Personal[str]
    label: Annotated[str, Text(20)]
    people: tuple[str, ...]
    where: Address | None
    rest: dict[str, Any]


class Invite(Command, name="Invite"):
    asset_id: AssetId
    reason: Annotated[str, Told(20)]
    greeting: Annotated[str, Text(20)]
    address: Personal[str]


def test_a_saga_that_remembers_or_sends_more_is_found():
    assert [*fields_speaking(Waiting)] == [
        *("Waiting.name", "Waiting.email", "Waiting.label", "Waiting.people"),
        *("Waiting.where.street", "Waiting.rest"),
    ]
    assert [*fields_speaking(Invite)] == ["Invite.greeting", "Invite.address"]
