"""What is published of events is what the models say, and never breaks who reads it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from events.ids import AccountId, WorkspaceId
from events.log.proof import MAC_HEADER
from events.log.records import schema_of, to_record
from events.model import Event
from schemas import export
from schemas.compatibility import breaking_changes
from tests.golden import GOLDEN, stored_envelope

MODELS = export.load_all_events()


def name_of(model: type[Event]) -> str:
    return f"{model.type}.v{model.version}"


def test_every_published_file_is_what_the_models_say():
    stale = [str(path.relative_to(export.ROOT)) for path in export.outdated()]
    assert stale == [], "run python -m schemas.export"


def test_no_published_schema_is_broken_by_todays_models():
    assert export.published_and_broken() == {}


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_stored_data_is_valid_under_its_published_schema(model: type[Event]):
    schema = json.loads(export.schema_path(model).read_text("utf-8"))
    golden = json.loads((GOLDEN / f"{name_of(model)}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(golden["envelope"]["data"]))


def test_a_personal_field_is_published_as_it_is_stored():
    schema = json.loads((export.JSON_SCHEMAS / "account.registered.v1.json").read_text("utf-8"))
    forms = schema["properties"]["email"]["anyOf"]
    assert [form["type"] for form in forms] == ["object", "string", "null"]
    assert "ciphertext" in forms[0]["required"]


def test_asyncapi_names_a_topic_for_every_category_and_finds_every_payload():
    document = yaml.safe_load(export.ASYNCAPI.read_text("utf-8"))
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {f"noculture.events.{m.type.partition('.')[0]}" for m in MODELS}
    for message in document["components"]["messages"].values():
        assert (export.ASYNCAPI.parent / message["payload"]["$ref"]).is_file()


def test_asyncapi_names_every_header_of_the_contract():
    document = yaml.safe_load(export.ASYNCAPI.read_text("utf-8"))
    headers = document["components"]["messageTraits"]["envelope"]["headers"]
    assert len(headers["properties"]) == 19
    assert set(headers["properties"]) - set(headers["required"]) == {
        "ce_actor",
        "ce_causationid",
        MAC_HEADER,
    }


# --- the gate -----------------------------------------------------------------------------------

OLD: dict[str, Any] = {
    "title": "loan.opened",
    "type": "object",
    "properties": {
        "copy": {"type": "string", "pattern": "^cpy_"},
        "condition": {"type": "string", "enum": ["good", "worn"]},
        "days": {"anyOf": [{"type": "integer", "maximum": 28}, {"type": "null"}]},
        "notes": {"type": "array", "items": {"$ref": "#/$defs/Note"}},
    },
    "required": ["copy", "condition"],
    "$defs": {"Note": {"type": "object", "properties": {"text": {"type": "string"}}}},
}


def changed(*path: str, to: Any) -> dict[str, Any]:
    schema = copy.deepcopy(OLD)
    *parents, last = path
    place: Any = schema
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    if to is None:
        del place[last]
    else:
        place[last] = to
    return schema


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (changed("title", to="loan.begun"), "the type is renamed"),
        (changed("properties", "days", to=None), "$.days was removed"),
        (changed("properties", "copy", "type", to="integer"), "$.copy: type"),
        (changed("properties", "condition", "enum", to=["good"]), "$.condition: allowed values"),
        (changed("required", to=["copy", "condition", "days"]), "$.days is required now"),
        (changed("required", to=["copy"]), "$.condition is no longer required"),
        (changed("properties", "copy", "pattern", to="^c_"), "$.copy: pattern"),
        (changed("properties", "days", "anyOf", "0", "maximum", to=14), "maximum 28 became 14"),
        (changed("properties", "days", "anyOf", to=[{"type": "null"}]), "2 alternative forms"),
        (changed("properties", "notes", "items", to={"type": "string"}), "$.notes[]: type"),
        (changed("$defs", "Note", "properties", "text", to=None), "$.notes[].text was removed"),
    ],
)
def test_the_gate_refuses_a_change_that_breaks_readers(new: dict[str, Any], reason: str):
    assert any(reason in found for found in breaking_changes(OLD, new))


def test_a_renamed_field_is_refused_as_removed_and_as_newly_required():
    new = copy.deepcopy(OLD)
    new["properties"]["item"] = new["properties"].pop("copy")
    new["required"] = ["item", "condition"]
    assert breaking_changes(OLD, new) == ["$.copy was removed", "$.item is required now"]


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed("properties", "remark", to={"type": "string"}),
        changed("description", to="A member took a copy home."),
        changed("$defs", "Note", "properties", "by", to={"type": "string"}),
    ],
)
def test_the_gate_lets_an_optional_field_and_other_words_through(new: dict[str, Any]):
    assert breaking_changes(OLD, new) == []


def test_the_exporter_writes_nothing_when_a_model_breaks_its_published_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    published = json.loads((export.JSON_SCHEMAS / "key.revoked.v1.json").read_text("utf-8"))
    published["properties"]["why"] = {"type": "string"}
    (tmp_path / "key.revoked.v1.json").write_text(json.dumps(published), "utf-8")
    (tmp_path / "key.lost.v1.json").write_text(json.dumps(published), "utf-8")
    monkeypatch.setattr(export, "JSON_SCHEMAS", tmp_path)
    assert export.main() == 1
    assert len(list(tmp_path.iterdir())) == 2
    said = capsys.readouterr().err
    assert "$.why was removed" in said
    assert "its event model is gone" in said


def test_ids_are_described_by_their_pattern():
    schema = export.schema_of(next(m for m in MODELS if m.type == "workspace.created"))
    assert schema["properties"]["workspace_id"]["pattern"] == f"^{WorkspaceId._pattern.pattern}$"
    assert schema["properties"]["owner_id"]["pattern"] == f"^{AccountId._pattern.pattern}$"


def test_the_dataschema_header_names_the_published_schema():
    for model in MODELS:
        schema = json.loads(export.schema_path(model).read_text("utf-8"))
        assert schema["$id"] == schema_of(model.type, model.version)


def test_the_headers_on_kafka_are_the_published_ones():
    golden = json.loads((GOLDEN / "asset.uploaded.v1.json").read_text("utf-8"))
    record = to_record(stored_envelope(golden), "/noculture/log_1/1")
    sent = {name for name, _ in record.headers} | {MAC_HEADER}
    assert sent == set(export.HEADERS) - {"ce_causationid"}
