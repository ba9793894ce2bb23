"""Views hold of people what they say: every event is folded, its personal values as the log has
them, and what is left is looked for in the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from events.envelope import Recorded
from events.model import Event
from projections.projection import Holds, Projection
from runtime.consumers import views
from schemas.examples import all_examples, numbered
from tests.golden import CODEC
from tests.specification import MemoryRows, recorded

ENDS = (".deleted", ".erased")
# Shorter words are part of names that are nobody's.
LONG_ENOUGH = 4
EXAMPLES = sorted(all_examples(), key=lambda event: event.type.endswith(ENDS))
BEFORE_THE_END = [event for event in EXAMPLES if not event.type.endswith(ENDS)]


def stored(event: Event, position: int) -> Recorded:
    """The event as a reader gets it: in plain, and in its envelope encrypted."""
    named = event.model_dump(mode="json")
    known = named.get(f"{event.category}_id") or named.get("asset_id")
    entry = recorded(event, position, stream_id=known or numbered(event.category[:3]))
    envelope = entry.envelope
    data = CODEC.encode(event, envelope.event_id, envelope.stream_id, envelope.tenant)
    return Recorded(envelope._replace(data=data), event)


def rows_of(view: Projection, events: Iterable[Event]) -> str:
    rows = MemoryRows()
    for position, event in enumerate(events, 1):
        if event.category in view.categories:
            view.fold(rows, stored(event, position))
    return str(rows.by_key)


def texts(value: Any) -> Iterator[str]:
    match value:
        case str() if len(value) >= LONG_ENOUGH:
            yield value
        case dict():
            yield from texts(list(value.values()))
        case list():
            for each in value:
                yield from texts(each)


def personal_texts(view: Projection) -> set[str]:
    """Texts of all personal values that the view is told."""
    return {
        text
        for event in EXAMPLES
        if event.category in view.categories
        for field in event.personal_fields
        for text in texts(event.model_dump(mode="json")[field])
    }


def found(view: Projection, rows: str) -> Holds:
    if any(text in rows for text in personal_texts(view)):
        return Holds.UNTIL_DELETED
    return Holds.ENCRYPTED if '"ciphertext"' in rows else Holds.NOTHING_PERSONAL


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_a_view_holds_of_people_what_it_says(view: Projection):
    assert found(view, rows_of(view, BEFORE_THE_END)) is view.holds
    assert found(view, rows_of(view, EXAMPLES)) is not Holds.UNTIL_DELETED
