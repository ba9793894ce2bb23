"""Events that were written before texts were refused: none of them stops a view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg_pool import ConnectionPool
from pydantic import ValidationError

from events.model import Event
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import create_build
from projections.projection import Projection
from runtime.consumers import views
from schemas.examples import all_examples
from tests.integration.consumers.test_fold_order import recorded

NUL = "\x00"
# Their events hold ids and figures only.
WITHOUT_TEXTS = ("reanalyses",)


def worst(example: Event) -> Event:
    """The same event with U+0000 in every text that its model lets hold one."""
    data = json.loads(example.model_dump_json())
    for holder, name in list(_texts(data)):
        kept, holder[name] = holder[name], f"{NUL}{holder[name]}"
        try:
            type(example).model_validate(data)
        except ValidationError:
            holder[name] = kept
    return type(example).model_validate(data)


def _texts(value: Any) -> Iterator[tuple[Any, Any]]:
    named = value.items() if isinstance(value, dict) else enumerate(value)
    for name, each in named:
        if name == "changed":  # names of fields
            continue
        if isinstance(each, dict | list):
            yield from _texts(each)
        elif isinstance(each, str):
            yield value, name


def test_old_events_may_hold_a_nul():
    assert sum(r"\u0000" in worst(example).model_dump_json() for example in all_examples()) > 15


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_no_old_event_stops_a_view(pool: ConnectionPool, view: Projection):
    examples = [worst(each) for each in all_examples() if each.category in view.categories]
    consumer = ProjectionConsumer(view)
    with pool.connection() as connection:
        create_build(connection, view, 1)
        consumer.use_build(1)
        for position, event in enumerate(examples, 1):
            fields = event.model_dump(mode="json")
            stream = fields.get(f"{event.category}_id") or f"{event.category[:3]}_{position:032x}"
            consumer.apply(connection, [recorded(event, stream, position, position)])
    assert any(r"\u0000" in event.model_dump_json() for event in examples) == (
        view.name not in WITHOUT_TEXTS
    )
