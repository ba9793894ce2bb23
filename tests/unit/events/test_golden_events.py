"""Whatever version was ever stored is readable, to the byte and for ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from events.model import REGISTRY
from schemas.export import load_all_events
from tests.golden import CODEC, GOLDEN, golden_path, stored_envelope

MODELS = load_all_events()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_event_loads_for_ever(path: Path):
    golden = json.loads(path.read_text("utf-8"))
    recorded = CODEC.decode(stored_envelope(golden))
    assert recorded is not None, "its type is not known any more"
    newest = REGISTRY.newest(recorded.type)
    assert type(recorded.data) is newest
    if newest.version == recorded.envelope.version:
        # What was added since is optional, and not in it.
        read = recorded.data.model_dump(mode="json", exclude_unset=True)
        assert read == golden["reads_as"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_a_golden_envelope_is_handed_out_as_published(path: Path):
    golden = json.loads(path.read_text("utf-8"))
    published = {**golden["envelope"], "data": json.loads(golden["envelope"]["data"])}
    assert stored_envelope(golden).to_json() == published


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.type}.v{model.version}")
def test_every_event_version_has_a_golden_file(model):
    assert golden_path(model.type, model.version).is_file(), "run python -m tests.golden"
