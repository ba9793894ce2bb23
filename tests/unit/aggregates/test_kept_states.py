"""The state of every aggregate survives its snapshot: what is read back is what was kept."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import aggregates
from events.ids import AssetId
from events.store.snapshots import Snapshot, SnapshotMapper, shape_of
from schemas.examples import all_examples, fixed
from tests.golden import FixedKeys

MODULES = [
    module
    for module in (
        importlib.import_module(each.name)
        for each in pkgutil.walk_packages(aggregates.__path__, "aggregates.")
    )
    if hasattr(module, "evolve")
]
STREAM = fixed(AssetId)


def state_type(module: ModuleType) -> TypeAdapter[object]:
    import typing

    return TypeAdapter(typing.get_type_hints(module.evolve)["return"])


def mapper_of(module: ModuleType) -> SnapshotMapper:
    state = state_type(module)
    return SnapshotMapper(
        module.__name__, shape_of(state, module.evolve), state, FixedKeys(), b"k" * 32
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@settings(max_examples=40, deadline=None)
@given(past=st.lists(st.sampled_from(all_examples()), max_size=8), personal=st.booleans())
def test_what_is_read_back_is_what_was_kept(module: ModuleType, past: list, personal: bool):
    mapper, state = mapper_of(module), None
    for version, event in enumerate(past, 1):
        state = module.evolve(state, event)
        subjects = frozenset({"acc_1"}) if personal else frozenset()
        kept = Snapshot(STREAM, version, state, subjects=subjects)
        assert mapper.to_domain_event(mapper.to_stored_event(kept)) == kept


def test_every_aggregate_is_asked():
    assert {module.__name__ for module in MODULES} >= {
        "aggregates.account.account",
        "aggregates.vault.analysis",
        "aggregates.vault.asset",
        "aggregates.account.key",
        "aggregates.account.workspace",
    }


def test_another_field_or_another_rule_is_another_shape(tmp_path, monkeypatch):
    """Both make other states of the same events; only the fields are visible in the JSON."""
    source = (
        "from dataclasses import dataclass\n"
        "from typing import Any\n"
        "@dataclass(frozen=True)\n"
        "class Shelf:\n"
        "    copies: int = 0\n"
        "def evolve(shelf: Shelf | None, event: Any) -> Shelf | None:\n"
        "    return Shelf((shelf.copies if shelf else 0) + 1)\n"
    )
    variants = {
        "shelf_as_it_was": source,
        "shelf_as_it_is": source,
        "shelf_with_a_field": source.replace("int = 0\n", "int = 0\n    room: str = 'a'\n"),
        "shelf_mended": source.replace("+ 1", "+ 2"),
    }
    monkeypatch.syspath_prepend(str(tmp_path))
    shapes = {}
    for name, text in variants.items():
        (tmp_path / f"{name}.py").write_text(text)
        module = importlib.import_module(name)
        shapes[name] = shape_of(state_type(module), module.evolve)
    assert shapes["shelf_as_it_was"] == shapes["shelf_as_it_is"]
    assert len(set(shapes.values())) == 3
