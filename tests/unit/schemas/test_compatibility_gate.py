"""The gate before a stored event changes, on models as a developer would change them.

The schemas are made by the exporter from real event models, not by hand: a change of pydantic's
output would show here as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from events.errors import MissingUpcaster
from events.model import Event, Part, Personal, Registry
from schemas import export, golden_lock
from schemas.compatibility import breaking_changes


class Condition(StrEnum):
    GOOD = "good"
    WORN = "worn"


class Worse(StrEnum):
    GOOD = "good"


class Reader(Part, subject="reader_id"):
    reader_id: str
    name: Personal[str]


class Plain(BaseModel):
    reader_id: str
    name: str | None


def opened(registry: Registry, name: str = "loan.opened", **fields: Any) -> dict[str, Any]:
    """The published schema of an event with these fields."""
    annotations = {
        field: (kind[0] if isinstance(kind, tuple) else kind) for field, kind in fields.items()
    }
    defaults = {field: kind[1] for field, kind in fields.items() if isinstance(kind, tuple)}
    body = {"__annotations__": annotations, "__module__": __name__, "__doc__": "Taken.", **defaults}
    version = len(registry.all()) + 1
    model = type(Event)("Opened", (Event,), body, type=name, version=version, subject="reader_id")
    schema = export.schema_of(model)
    # What is published under one version; here each variant needs a version of its own.
    return {**schema, "$id": f"urn:noculture:event:{name}:1"}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    own = Registry()
    monkeypatch.setattr("events.model.REGISTRY", own)
    return own


WAS: dict[str, Any] = {
    "reader_id": str,
    "copy_id": str,
    "days": int,
    "condition": Condition,
    "shelf": Literal["a", "b"],
    "note": (str | None, None),
    "reader": (Personal[str], None),
    "others": list[Reader],
    "by_shelf": dict[str, Reader],
    "pair": tuple[Reader, Reader],
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a removed field": ({"days": None}, "$.days was removed"),
    "a removed optional field": ({"note": None}, "$.note was removed"),
    "a changed type": ({"days": str}, "$.days: type integer became string"),
    "a float for an int": ({"days": float}, "$.days: type integer became number"),
    "a narrowed enum": ({"condition": Worse}, "$.condition: allowed values"),
    "a narrowed literal": ({"shelf": Literal["a"]}, "$.shelf"),
    "a widened literal": ({"shelf": Literal["a", "b", "c"]}, "$.shelf: allowed values"),
    "a field that is required now": ({"note": str | None}, "$.note is required now"),
    "a new required field": ({"branch": str}, "$.branch is required now"),
    "a field no longer required": ({"days": (int, 28)}, "$.days is no longer required"),
    "null no longer allowed": ({"note": (str, "")}, "$.note"),
    "a personal field in plain": ({"reader": (str | None, None)}, "$.reader"),
    "one of a list in plain": ({"others": list[Plain]}, "$.others[].name"),
    "one of a mapping in plain": ({"by_shelf": dict[str, Plain]}, "$.by_shelf.*.name"),
    "one of two in plain": ({"pair": tuple[Reader, Plain]}, "$.pair[1].name"),
    "one of two gone": ({"pair": tuple[Reader]}, "$.pair: 2 items became 1"),
    "a mapping of anything": ({"by_shelf": dict[str, Any]}, "$.by_shelf: the form"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
def test_the_gate_refuses(registry: Registry, change: dict[str, Any], reason: str):
    now = {name: kind for name, kind in {**WAS, **change}.items() if kind is not None}
    found = breaking_changes(opened(registry, **WAS), opened(registry, **now))
    assert any(reason in each for each in found), found


def test_the_gate_refuses_a_renamed_type(registry: Registry):
    was, now = opened(registry, **WAS), opened(registry, name="loan.begun", **WAS)
    assert breaking_changes(was, now) == ["the type is renamed from loan.opened to loan.begun"]


@pytest.mark.parametrize("change", [{}, {"branch": (str | None, None)}, {"branch": (int, 0)}])
def test_the_gate_lets_an_optional_field_through(registry: Registry, change: dict[str, Any]):
    assert breaking_changes(opened(registry, **WAS), opened(registry, **{**WAS, **change})) == []


def test_a_removed_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "nothing.said.v1.json").write_text(json.dumps({"title": "nothing.said"}))
    monkeypatch.setattr(export, "JSON_SCHEMAS", tmp_path)
    broken = export.published_and_broken()
    assert "its event model is gone" in broken["nothing.said.v1.json"][0]
    assert export.main() == 1


def test_a_version_without_a_way_from_the_one_before_it_is_refused(registry: Registry):
    opened(registry, days=int, reader_id=str)
    opened(registry, hours=int, reader_id=str)
    opened(registry, hours=int, reader_id=str, branch=str)
    registry.upcast("loan.opened", 2)(lambda data: {**data, "branch": "main"})
    with pytest.raises(MissingUpcaster, match=r"REGISTRY.upcast\('loan.opened', 1\)"):
        registry.check()
    registry.upcast("loan.opened", 1)(lambda data: {"hours": data["days"] * 24})
    registry.check()


# --- golden files -------------------------------------------------------------------------------


@pytest.fixture
def golden(tmp_path: Path) -> Callable[..., list[str]]:
    """Two golden files under lock; asks what is wrong after `harm` was done to the folder."""
    folder, lock = tmp_path / "golden", tmp_path / "golden.lock"
    folder.mkdir()
    versions = {"loan.opened.v1", "loan.returned.v1"}
    for version in versions:
        (folder / f"{version}.json").write_text("{}")
    assert golden_lock.lock_new(folder, lock) == ["loan.opened.v1.json", "loan.returned.v1.json"]

    def wrong_after(harm: Callable[[Path], object], without: str = "", plus: str = "") -> list[str]:
        harm(folder)
        return golden_lock.problems(versions - {without} | ({plus} - {""}), folder, lock)

    return wrong_after


def test_untouched_golden_files_are_fine(golden):
    assert golden(lambda folder: None) == []


def test_an_edited_golden_file_is_refused(golden):
    [problem] = golden(lambda folder: (folder / "loan.opened.v1.json").write_text("{ }"))
    assert problem.startswith("loan.opened.v1.json was edited")


def test_a_missing_golden_file_is_refused_also_with_its_model(golden):
    found = golden(
        lambda folder: (folder / "loan.opened.v1.json").unlink(), without="loan.opened.v1"
    )
    assert [problem.split(":")[0] for problem in found] == [
        "loan.opened.v1.json is missing",
        "loan.opened.v1.json has no event model",
    ]


def test_a_new_version_needs_a_golden_file_and_a_new_file_the_lock(golden):
    [problem] = golden(lambda folder: None, plus="loan.opened.v2")
    assert problem == "loan.opened.v2.json has no golden file: run python -m tests.golden"
    [problem] = golden(
        lambda folder: (folder / "loan.opened.v2.json").write_text("{}"), plus="loan.opened.v2"
    )
    assert problem == "loan.opened.v2.json is not in golden.lock: run python -m tests.golden"


def test_locking_again_does_not_forgive_an_edit(tmp_path: Path):
    folder, lock = tmp_path / "golden", tmp_path / "golden.lock"
    folder.mkdir()
    file = folder / "loan.opened.v1.json"
    file.write_text("{}")
    golden_lock.lock_new(folder, lock)
    file.write_text("edited")
    assert golden_lock.lock_new(folder, lock) == []
    assert golden_lock.problems({"loan.opened.v1"}, folder, lock) != []


def test_the_golden_files_of_this_product_are_as_they_were_made():
    versions = {f"{model.type}.v{model.version}" for model in export.load_all_events()}
    assert golden_lock.problems(versions) == []
