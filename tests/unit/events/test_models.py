"""Event models, their registry and typed ids."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from events.errors import EventTooLarge, InvalidId, UnknownEventVersion
from events.ids import AccountId, AnalysisId, AssetId, EventId, WorkspaceId, uuid7
from events.model import REGISTRY, Event, Personal, Registry
from events.saga_step import SagaInput
from schemas.examples import all_examples, example_of
from schemas.export import load_all_events
from schemas.vault.examples import ANALYSIS, ASSET
from tests.golden import CODEC, make, stored_envelope

PLACE = (EventId.new(), AccountId.new(), WorkspaceId.new())


def test_every_event_has_an_example():
    for model in load_all_events():
        assert type(example_of(model.type, model.version)) is model


@pytest.mark.parametrize("event", all_examples(), ids=lambda event: event.type)
def test_what_is_encoded_is_decoded(event: Event):
    recorded = CODEC.decode(stored_envelope(make(event)))
    assert recorded is not None
    assert recorded.data == event


def test_an_event_cannot_be_changed():
    with pytest.raises(ValidationError):
        example_of("key.revoked", 1).key_id = "key_" + "0" * 32


def test_an_unknown_field_is_refused_when_written_and_skipped_when_read():
    model = REGISTRY.newest("key.revoked")
    fields = {**example_of("key.revoked", 1).model_dump(), "later": 1}
    with pytest.raises(ValidationError):
        model(**fields)
    assert REGISTRY.read("key.revoked", 1, fields) == example_of("key.revoked", 1)


def test_an_unknown_field_inside_a_value_is_skipped_when_read():
    fields = example_of("asset.verified", 3).model_dump(mode="json")
    fields["tags"]["mood"] = "dark"
    assert REGISTRY.read("asset.verified", 3, fields) == example_of("asset.verified", 3)


def test_an_unknown_type_is_skipped():
    assert REGISTRY.read("nothing.said", 1, {}) is None


def test_a_newer_version_of_a_known_type_says_upgrade():
    with pytest.raises(UnknownEventVersion, match="upgrade it"):
        REGISTRY.read("key.revoked", 2, {})


def test_an_old_version_is_read_through_every_upcaster_between(registry: Registry):
    class First(Event, type="loan.opened", version=1):
        days: int

    class Third(Event, type="loan.opened", version=3):
        hours: int
        reader: str

    @registry.upcast("loan.opened", 1)
    def to_2(data: dict[str, Any]) -> dict[str, Any]:
        return {"hours": data["days"] * 24}

    @registry.upcast("loan.opened", 2)
    def to_3(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "reader": "unknown"}

    assert registry.read("loan.opened", 1, {"days": 2}) == Third(hours=48, reader="unknown")
    assert registry.read("loan.opened", 2, {"hours": 5}) == Third(hours=5, reader="unknown")
    assert registry.all() == [First, Third]


def test_a_type_and_version_is_declared_once(registry: Registry):
    class One(Event, type="loan.opened", version=1):
        pass

    with pytest.raises(TypeError, match="declared twice"):

        class Two(Event, type="loan.opened", version=1):
            pass

    assert registry.all() == [One]


def test_personal_fields_need_a_subject(registry: Registry):
    with pytest.raises(TypeError, match="names no subject"):

        class Nobody(Event, type="loan.opened", version=1):
            reader: Personal[str]


def test_a_personal_value_is_not_in_the_stored_bytes_and_null_stays_null():
    registered = example_of("account.registered", 1)
    stored = CODEC.encode(registered, *PLACE)
    assert b"ada@example.org" not in stored
    anonymous = registered.model_copy(update={"email": None})
    assert b'"email":null' in CODEC.encode(anonymous, *PLACE)


def test_an_event_is_at_most_128_kib():
    stepped = example_of("ingest.stepped", 1)
    bulky = stepped.model_copy(
        update={"input": SagaInput(kind="event", name="x" * 128 * 1024, reference="r")}
    )
    with pytest.raises(EventTooLarge, match="store the bulk as a blob"):
        CODEC.encode(bulky, *PLACE)


def test_an_id_has_its_prefix_and_32_lower_case_hex_digits():
    assert AssetId(ASSET) == ASSET
    for wrong in (ANALYSIS, ASSET.upper(), ASSET[:-1], ASSET + "0", ASSET + "\n", "", "ast_"):
        with pytest.raises(InvalidId):
            AssetId(wrong)


def test_a_model_refuses_the_id_of_another_kind():
    class Holder(BaseModel):
        asset_id: AssetId

    with pytest.raises(ValidationError):
        Holder(asset_id=ANALYSIS)
    assert type(Holder.model_validate({"asset_id": str(ASSET)}).asset_id) is AssetId


def test_what_belongs_together_shares_its_hex():
    assert AnalysisId.beside(ASSET)[4:] == ASSET[4:]


def test_derived_ids_depend_on_every_part_and_nothing_else():
    assert EventId.derived("a", "b") == EventId.derived("a", "b")
    assert len({EventId.derived(*p) for p in (("a", "b"), ("ab",), ("a", "c"), ("b", "a"))}) == 4


def test_new_ids_sort_by_time_and_are_uuid7():
    ids = [uuid7() for _ in range(50)]
    assert [i.version for i in ids] == [7] * 50
    assert [i.variant for i in ids] == [ids[0].variant] * 50
    milliseconds = [i.int >> 80 for i in ids]
    assert milliseconds == sorted(milliseconds)
