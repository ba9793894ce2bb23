"""Rules of one comment."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from aggregates.errors import AlreadyExists, NotFound
from aggregates.vault import comment
from aggregates.vault.comment import Comment, NotTheAuthor, PassageEndsBeforeItBegins
from events.ids import AccountId
from events.vault.comment import (
    CommentAdded,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
)
from schemas.examples import ACCOUNT, example_of, fixed
from schemas.vault.examples import COMMENT
from tests.specification import given

added: CommentAdded = example_of("comment.added", 1)
resolved: CommentResolved = example_of("comment.resolved", 1)
reopened: CommentReopened = example_of("comment.reopened", 1)
deleted: CommentDeleted = example_of("comment.deleted", 1)
SOMEBODY_ELSE = fixed(AccountId, 2)


def edit(by: AccountId = ACCOUNT, **changes: object) -> dict[str, Any]:
    return {"comment_id": COMMENT, "author_id": by, "changes": changes}


def edited(**changes: object) -> CommentEdited:
    return CommentEdited(**(added.model_dump() | changes))


def test_a_comment_is_of_a_moment_or_of_a_passage():
    given().when(comment.add, **added.model_dump()).then(added)
    moment = added.model_copy(update={"end_s": None})
    given().when(comment.add, **moment.model_dump()).then(moment)


@pytest.mark.parametrize("end_s", [62.4, 10.0])
def test_a_passage_does_not_end_before_it_begins(end_s: float):
    said = added.model_dump() | {"end_s": end_s}
    given().when(comment.add, **said).then_refused(PassageEndsBeforeItBegins)
    given(added).when(comment.edit, **edit(end_s=end_s)).then_refused(PassageEndsBeforeItBegins)


def test_a_comment_is_added_once():
    given(added).when(comment.add, **added.model_dump()).then_refused(AlreadyExists)


def test_only_its_author_changes_it():
    given(added).when(comment.edit, **edit(text="Now")).then(edited(text="Now"))
    given(added).when(comment.edit, **edit(SOMEBODY_ELSE, text="x")).then_refused(NotTheAuthor)


def test_saying_the_same_again_changes_nothing():
    same = {"at_s": added.at_s, "text": added.text}
    given(added).when(comment.edit, **edit(**same)).then_nothing()
    given(added, edited(text="Now")).when(comment.edit, **edit(text="Now")).then_nothing()


def test_a_passage_may_become_a_moment():
    given(added).when(comment.edit, **edit(end_s=None)).then(edited(end_s=None))


def test_everybody_may_settle_it_and_open_it_again():
    settle = {"comment_id": COMMENT, "resolved_by": SOMEBODY_ELSE}
    again = {"comment_id": COMMENT, "reopened_by": SOMEBODY_ELSE}
    done = CommentResolved(**(resolved.model_dump() | {"resolved_by": SOMEBODY_ELSE}))
    opened = CommentReopened(**(reopened.model_dump() | {"reopened_by": SOMEBODY_ELSE}))
    given(added).when(comment.resolve, **settle).then(done)
    given(added, resolved).when(comment.resolve, **settle).then_nothing()
    given(added, resolved).when(comment.reopen, **again).then(opened)
    given(added, resolved, reopened).when(comment.reopen, **again).then_nothing()


@pytest.mark.parametrize("past", [(), (added, deleted)])
@pytest.mark.parametrize(
    ("decide", "said"),
    [
        (comment.edit, edit(text="x")),
        (comment.resolve, {"comment_id": COMMENT, "resolved_by": ACCOUNT}),
        (comment.reopen, {"comment_id": COMMENT, "reopened_by": ACCOUNT}),
        (comment.delete, {"comment_id": COMMENT, "deleted_by": ACCOUNT}),
    ],
)
def test_what_is_not_there_or_deleted_is_not_found(past, decide, said):
    given(*past).when(decide, **said).then_refused(NotFound)


def test_a_comment_is_deleted():
    gone = {"comment_id": COMMENT, "deleted_by": ACCOUNT}
    given(added, resolved).when(comment.delete, **gone).then(deleted)


def test_every_field_that_a_program_may_change_is_one_of_the_state():
    from commands.vault.comments import EditComment

    assert set(EditComment.model_fields) <= {field.name for field in fields(Comment)}
