"""Views hold of people what they say: every event is folded once as it is and once without its
personal values. Rows that differ hold some in plain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from events.envelope import Recorded
from events.model import Event
from projections.projection import Holds, Projection
from runtime.consumers import views
from schemas.examples import all_examples, numbered
from tests.golden import AFTER_ALL_ERASURES, CODEC
from tests.specification import MemoryRows, recorded

ENDS = (".deleted", ".erased")


def stored(event: Event, position: int) -> Recorded:
    """The event as a reader gets it: in plain, and in its envelope encrypted."""
    named = event.model_dump(mode="json")
    known = named.get(f"{event.category}_id") or named.get("asset_id")
    entry = recorded(event, position, stream_id=known or numbered(event.category[:3]))
    envelope = entry.envelope
    data = CODEC.encode(event, envelope.event_id, envelope.stream_id, envelope.tenant)
    return Recorded(envelope._replace(data=data), event)


EXAMPLES = sorted(all_examples(), key=lambda event: event.type.endswith(ENDS))
LOG = [stored(event, position) for position, event in enumerate(EXAMPLES, 1)]
BEFORE_THE_END = [entry for entry in LOG if not entry.data.type.endswith(ENDS)]


def unreadable(entry: Recorded) -> Recorded:
    """The same once the key is destroyed: folds read None, the envelope stays."""
    read = AFTER_ALL_ERASURES.decode(entry.envelope)
    assert read is not None
    return read


def rows_of(view: Projection, log: Iterable[Recorded]) -> dict[Any, dict[str, Any]]:
    rows = MemoryRows()
    for entry in log:
        if entry.envelope.category in view.categories:
            view.fold(rows, entry)
    return rows.by_key


def found(view: Projection, log: list[Recorded]) -> Holds:
    rows = rows_of(view, log)
    if rows != rows_of(view, map(unreadable, log)):
        return Holds.UNTIL_DELETED
    return Holds.ENCRYPTED if '"ciphertext"' in str(rows) else Holds.NOTHING_PERSONAL


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_a_view_holds_of_people_what_it_says(view: Projection):
    assert found(view, BEFORE_THE_END) is view.holds
    assert found(view, LOG) is not Holds.UNTIL_DELETED
