"""The fold of collections."""

from __future__ import annotations

import json

from projections.vault.collections import Collections
from schemas.examples import WORKSPACE, example_of
from schemas.vault.examples import COLLECTION
from tests.specification import projection

created, changed, deleted = (
    example_of(f"collection.{what}", 1) for what in ("created", "changed", "deleted")
)


def test_a_row_says_what_the_collection_is_now():
    seen = projection(Collections()).given(created, changed)
    seen.then_row(COLLECTION, workspace_id=WORKSPACE, kind="smart", version=2, assets=[])
    [row] = seen.rows().values()
    assert json.loads(row["said"])["query"] == changed.query
    assert row["said_event"] == seen.log[1].envelope.event_id


def test_a_deleted_collection_leaves_no_row():
    projection(Collections()).given(created, changed, deleted).then_no_rows()
