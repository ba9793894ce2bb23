"""The fold of comments, and their place in a track's timeline."""

from __future__ import annotations

import json

from projections.system.timeline import Timeline
from projections.vault.comments import Comments
from runtime.areas import ALL
from schemas.examples import ACCOUNT, example_of
from schemas.vault.examples import ASSET, COMMENT
from tests.specification import projection

added, edited, resolved, reopened, deleted = (
    example_of(f"comment.{what}", 1)
    for what in ("added", "edited", "resolved", "reopened", "deleted")
)


def test_a_row_says_what_the_author_said_last():
    seen = projection(Comments()).given(added, edited)
    seen.then_row(COMMENT, at_s=edited.at_s, end_s=None, author_id=ACCOUNT, version=2)
    [row] = seen.rows().values()
    assert json.loads(row["said"])["text"] == edited.text
    assert row["said_event"] == seen.log[1].envelope.event_id


def test_a_settled_comment_may_be_opened_again():
    projection(Comments()).given(added, resolved).then_row(COMMENT, resolved_by=ACCOUNT, version=2)
    again = projection(Comments()).given(added, resolved, reopened)
    again.then_row(COMMENT, resolved_at=None, resolved_by=None, version=3)


def test_a_deleted_comment_leaves_no_row():
    projection(Comments()).given(added, resolved, deleted).then_no_rows()


def test_a_comment_is_in_the_timeline_of_its_track():
    rows = projection(Timeline(ALL.told)).given(added, resolved).rows()
    assert [row["asset_id"] for row in rows.values()] == [ASSET, ASSET]
