"""Of an event of somebody else's thing only published personal values are shown."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from events.access import Shown
from read_api.system import shared_events
from read_api.system.shared_events import SharedEvents
from tests.specimens import REGISTRY, PartiesNamed

SAID = {
    "workspace_id": "wsp_1",
    "parties": [{"who": "pty_1", "name": "sealed"}],
    "by_part": {"bass": {"who": "pty_2", "name": "sealed"}},
}


def seen(type: str, *published: str) -> dict[str, Any]:
    row = dict.fromkeys(("event_id", "stream_id", "tenant", "correlation_id", "command_id"), "x")
    row |= dict.fromkeys(("recorded_at", "effective_at"), "2026-01-01T00:00:00Z")
    row |= {"position": 1, "stream_version": 1, "version": 1, "hash": "00", "actor": None}
    row |= {"causation_id": None, "category": "party", "type": type, "data": json.dumps(SAID)}
    sharing: Any = SimpleNamespace(right=lambda *_: "listen", rows=lambda *_, **__: [row])
    progress: Any = SimpleNamespace(consumer_position=lambda _: 1)
    shown = {"party": Shown("listen", frozenset(published))}
    caller: Any = SimpleNamespace(account_id="acc_1")
    events = SharedEvents(sharing, progress, lambda *told: told[-1], shown)
    [event] = events.of_thing(caller, "thing", 0, 10) or []
    return event.data


@pytest.fixture(autouse=True)
def specimens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_events, "REGISTRY", REGISTRY)


def test_values_of_people_inside_a_field_are_hidden_with_it():
    assert seen(PartiesNamed.type) == SAID | {"parties": None, "by_part": None}


def test_a_published_field_is_shown():
    assert seen(PartiesNamed.type, "parties") == SAID | {"by_part": None}


def test_of_an_event_that_only_a_newer_program_knows_nothing_unpublished_is_shown():
    assert seen("party.of_tomorrow", "workspace_id") == {
        "workspace_id": "wsp_1",
        "parties": None,
        "by_part": None,
    }
