"""Personal values inside an event: each is sealed for its own subject and its own place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from events.ids import AccountId, EventId, WorkspaceId
from events.model import Event, Part, Personal, Registry
from events.personal import subjects_of
from events.store.codec import EventCodec
from schemas.export import schema_of
from tests.golden import FixedKeys

WHERE = (EventId.new(), "she_" + "0" * 32, WorkspaceId.new())
PEOPLE = [AccountId.derived("person", number) for number in range(3)]
OWNER = PEOPLE[0]


class Named(Part, subject="who"):
    """Somebody, with those who came along."""

    who: AccountId
    name: Personal[str]
    tags: Personal[tuple[str, ...]] = None
    guests: tuple[Named, ...] = ()


class Side(BaseModel):
    """Holds no value of its own, and people who do."""

    share: int = 0
    parties: list[Named] = []


OWN = Registry()
with pytest.MonkeyPatch.context() as patch:
    patch.setattr("events.model.REGISTRY", OWN)

    class Sheet(Event, type="sheet.proposed", version=1, subject="owner"):
        """A specimen of every way in which values may nest."""

        owner: AccountId
        title: Personal[str]
        lead: Named | None = None
        parties: tuple[Named, ...] = ()
        sides: dict[str, Side] = Field(default_factory=dict)


class Keys(FixedKeys):
    def __init__(self, erased: frozenset[str] = frozenset()) -> None:
        self._erased = erased

    def find(self, subject: str) -> bytes | None:
        return None if subject in self._erased else super().find(subject)


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("events.store.codec.REGISTRY", OWN)
        yield


def encoded(event: Event) -> bytes:
    return EventCodec(Keys()).encode(event, *WHERE)


def read(stored: bytes, erased: frozenset[str] = frozenset()) -> Event | None:
    data = EventCodec(Keys(erased)).reveal(*WHERE, json.loads(stored))
    return OWN.read("sheet.proposed", 1, data)


texts = st.none() | st.text(max_size=5)
people = st.recursive(
    st.builds(
        Named,
        who=st.sampled_from(PEOPLE),
        name=texts,
        tags=st.none() | st.tuples(st.text(max_size=3)),
    ),
    lambda inner: st.builds(
        Named,
        who=st.sampled_from(PEOPLE),
        name=texts,
        guests=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=4,
)
sheets = st.builds(
    Sheet,
    owner=st.sampled_from(PEOPLE),
    title=texts,
    lead=st.none() | people,
    parties=st.lists(people, max_size=3).map(tuple),
    sides=st.dictionaries(
        st.text(alphabet="a/~0", max_size=3),
        st.builds(Side, parties=st.lists(people, max_size=2)),
        max_size=3,
    ),
)


def sealed(data: Any) -> Iterator[dict[str, Any]]:
    """Every sealed value in stored data."""
    if isinstance(data, dict) and "ciphertext" in data:
        yield data
    elif isinstance(data, dict | list):
        for inner in data.values() if isinstance(data, dict) else data:
            yield from sealed(inner)


def without(data: Any, erased: frozenset[str]) -> Any:
    """The event's JSON as it must read once these are erased."""
    if isinstance(data, list):
        return [without(inner, erased) for inner in data]
    if not isinstance(data, dict):
        return data
    gone = {data.get("who"), data.get("owner")} & erased
    return {
        key: None if gone and key in ("name", "tags", "title") else without(inner, erased)
        for key, inner in data.items()
    }


@given(sheets)
def test_what_is_encoded_is_decoded_and_no_value_is_stored_in_plain(sheet: Sheet):
    stored = encoded(sheet)
    assert read(stored) == sheet

    def plain(data: Any) -> Iterator[Any]:
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if key in ("name", "tags", "title"):
                yield value
            elif isinstance(value, dict | list):
                yield from plain(value)

    values = list(plain(json.loads(stored)))
    assert all(value is None or "ciphertext" in value for value in values)
    Draft202012Validator(schema_of(Sheet)).validate(json.loads(stored))


@given(sheets, st.frozensets(st.sampled_from(PEOPLE)))
def test_erasing_some_leaves_the_values_of_the_others(sheet: Sheet, erased: frozenset[str]):
    found = read(encoded(sheet), erased)
    assert found is not None
    assert found.model_dump(mode="json") == without(sheet.model_dump(mode="json"), erased)
    assert subjects_of(found) == subjects_of(sheet) - erased


@given(sheets, st.data(), st.booleans())
def test_two_values_that_change_places_do_not_open(sheet: Sheet, draw: st.DataObject, whole: bool):
    stored = json.loads(encoded(sheet))
    values = list(sealed(stored))
    if len(values) < 2:
        return
    one, other = draw.draw(st.permutations(values))[:2]
    for name in list(one) if whole else ["ciphertext"]:
        one[name], other[name] = other[name], one[name]
    with pytest.raises(ValueError, match="moved or changed"):
        read(json.dumps(stored).encode())


SHEET = Sheet(owner=OWNER, title="Night Bus", sides={"a/b": Side(parties=[Named(
    who=PEOPLE[1], name="Ada")])})  # fmt: skip


def test_a_value_is_sealed_for_its_path():
    fields = {value["field"]: value["subject"] for value in sealed(json.loads(encoded(SHEET)))}
    assert fields == {"title": OWNER, "sides/a~1b/parties/0/name": PEOPLE[1]}


@pytest.mark.parametrize("number", range(3), ids=["event", "stream", "tenant"])
def test_a_value_inside_opens_only_in_its_event_stream_and_workspace(number: int):
    elsewhere = [*WHERE]
    last = WHERE[number][-1]
    elsewhere[number] = WHERE[number][:-1] + ("e" if last == "f" else "f")
    data = json.loads(encoded(SHEET)) | {"title": None}
    with pytest.raises(ValueError, match="moved or changed"):
        EventCodec(Keys()).reveal(*elsewhere, data)


def test_a_value_that_names_another_person_does_not_open():
    data = json.loads(encoded(SHEET))
    next(each for each in sealed(data) if each["subject"] == PEOPLE[1])["subject"] = OWNER
    with pytest.raises(ValueError, match="moved or changed"):
        read(json.dumps(data).encode())


class Stray(BaseModel):
    name: Personal[str]


@dataclass
class Record:
    party: Named


REFUSED: dict[str, tuple[Any, str]] = {
    "in a model without a subject": (tuple[Stray, ...], "names no subject"),
    "in a list": (list[Personal[str]], "type of a whole field"),
    "beside null": (Personal[str] | None, "type of a whole field"),
    "in a mapping's values": (dict[str, Personal[str]], "type of a whole field"),
    "in a set": (frozenset[Named], "lie in a list"),
    "in a mapping's keys": (dict[Named, str], "lie in a list"),
    "in a dataclass": (Record, "lie in a list"),
    "in another's value": (Personal[Named], "under another's key"),
}


@pytest.mark.parametrize(("kind", "why"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_would_lie_in_plain_is_refused(registry: Registry, kind: Any, why: str):
    body = {"__annotations__": {"reader": kind, "who": AccountId}, "__module__": __name__}
    with pytest.raises(TypeError, match=why):
        type(Event)("Opened", (Event,), body, type="loan.opened", version=1, subject="who")
    assert registry.all() == []


def test_a_part_names_a_field_of_its_own():
    with pytest.raises(TypeError, match="no field reader_id"):
        type(Part)("Reader", (Part,), {"__module__": __name__}, subject="reader_id")


def test_a_type_that_is_not_known_yet_is_refused(registry: Registry):
    later = {"__annotations__": {"reader": "Later"}, "__module__": __name__}
    with pytest.raises(TypeError, match="declared after it"):
        type(Event)("Opened", (Event,), later, type="loan.opened", version=1)


def test_a_limit_around_a_personal_value_stays_one():
    class Short(Part, subject="who"):
        who: AccountId
        name: Annotated[Personal[str], Field(max_length=3)]

    assert subjects_of(Short(who=OWNER, name="Ada")) == {OWNER}
