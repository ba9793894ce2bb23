"""Marks of a recording: their rules, the view, how they are asked for and told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import AssetInTrash
from commands.vault.mark_changes import MarkChanges
from events.vault.asset import AssetMarked
from projections.vault.vault import Vault
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.search.question import understand
from runtime.areas.vault import AREA
from schemas.dto import EventDto
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from schemas.vault.examples import ASSET
from tests.specification import given, projection
from tests.unit.vault.test_words import event
from web.pages.vault.marks import but_for_marks
from web.pages.vault.words import _tell as tell

uploaded, verified = example_of("asset.uploaded", 2), example_of("asset.verified", 3)
trashed, deleted = example_of("asset.trashed", 1), example_of("asset.deleted", 1)


def marked(**marks: Any) -> AssetMarked:
    return AssetMarked(asset_id=ASSET, workspace_id=WORKSPACE, marked_by=ACCOUNT, **marks)


def mark(**changes: Any) -> dict[str, Any]:
    return {"asset_id": ASSET, "marked_by": ACCOUNT, "changes": changes}


def test_marks_that_are_not_named_stay():
    rated = marked(rating=4)
    given(uploaded).when(asset.mark, **mark(rating=4)).then(rated)
    both = marked(rating=4, colour="teal")
    given(uploaded, verified, rated).when(asset.mark, **mark(colour="teal")).then(both)
    none = marked(status=None, rating=0, colour="teal")
    given(uploaded, both).when(asset.mark, **mark(rating=0, status=None)).then(none)


def test_the_same_marks_change_nothing():
    given(uploaded).when(asset.mark, **mark(rating=0, status=None)).then_nothing()
    given(uploaded, marked(status="done")).when(asset.mark, **mark(status="done")).then_nothing()


def test_nothing_is_marked_in_the_trash_or_behind_it():
    given(uploaded, trashed).when(asset.mark, **mark(rating=1)).then_refused(AssetInTrash())
    gone = given(uploaded, deleted).when(asset.mark, **mark(rating=1))
    gone.then_refused(NotFound("The asset"))


@pytest.mark.parametrize(
    "changes", [{"rating": 6}, {"rating": -1}, {"rating": None}, {"status": "lost"}, {"mood": "ok"}]
)
def test_there_are_no_other_marks(changes: dict[str, Any]):
    with pytest.raises(ValidationError):
        MarkChanges.model_validate(changes)


def test_the_vault_shows_the_newest_marks_and_forgets_them_with_the_track():
    seen = projection(Vault()).given(uploaded, marked(rating=2), marked(status="idea", rating=5))
    seen.then_row(ASSET, version=3, status="idea", marked_rating=5, colour=None)
    gone = projection(Vault()).given(uploaded, marked(status="idea", rating=5), deleted)
    gone.then_row(ASSET, status=None, marked_rating=None, colour=None)


def test_marks_stay_with_the_workspace():
    shown = AREA.categories["asset"].shown
    assert shown is not None
    assert AssetMarked.type in shown.withheld


@pytest.mark.parametrize(
    ("asked", "chip", "label"),
    [
        ("status:done", "status:done", "done"),
        ('status:"to finish"', "status:to-finish", "to finish"),
        ("rating:4", "rating:4-4", "4 stars"),
        ("rating:>=4", "rating:4-5", "4 stars or more"),
        ("rating:>4", "rating:5-5", "5 stars"),
        ("rating:<2", "rating:0-1", "up to 1 star"),
        ("rating:2-3", "rating:2-3", "2 to 3 stars"),
        ("rating:0", "rating:0-0", "not rated"),
        ("at least 3 stars", "rating:3-5", "3 stars or more"),
        ("colour:teal", "colour:teal", "marked teal"),
        ("color:teal", "colour:teal", "marked teal"),
    ],
)
def test_marks_are_asked_for_in_the_box(asked: str, chip: str, label: str):
    (found,) = understand(asked, date(2026, 11, 22)).chips
    assert (str(found), found.label) == (chip, label)
    assert understand(str(found), date(2026, 11, 22)).chips == (found,)


@pytest.mark.parametrize("asked", ["status:lost", "rating:>5", "rating:<0", "colour:beige", "idea"])
def test_what_is_no_mark_is_words(asked: str):
    question = understand(asked, date(2026, 11, 22))
    assert (question.chips, question.words) == ((), asked)


def test_the_least_rating_is_not_above_the_greatest():
    with pytest.raises(ValidationError, match="rating_min"):
        AssetFilters(rating_min=4, rating_max=2)


def test_the_timeline_tells_the_marks():
    assert tell("asset.marked", {"status": "to-finish", "rating": 1, "colour": "teal"}) == (
        "Marked",
        "To finish, 1 star, teal",
        "plain",
    )
    assert tell("asset.marked", {"status": None, "rating": 0, "colour": None})[1] == "No marks"


def test_only_marks_leave_a_form_as_it_was_shown():
    def happened(*types: str, stream: str = "ast_1") -> list[EventDto]:
        return [
            event(type_, {}).model_copy(update={"stream_id": stream, "stream_version": 3 + at})
            for at, type_ in enumerate(types)
        ]

    marks = happened("asset.marked", "asset.marked")
    assert but_for_marks(marks, "ast_1", 2) == 4
    assert but_for_marks([*marks, *happened("comment.added", stream="com_1")], "ast_1", 2) == 4
    assert but_for_marks(happened("asset.marked", "asset.trashed"), "ast_1", 2) == 2
    assert but_for_marks(marks[1:], "ast_1", 2) == 2
    assert but_for_marks([], "ast_1", 2) == 2
