"""Rules of a collection."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.errors import NotFound
from aggregates.vault import collection
from events.ids import AssetId
from events.vault.collection import (
    MAX_ASSETS,
    CollectionChanged,
    CollectionCreated,
    CollectionDeleted,
)
from schemas.examples import ACCOUNT, WORKSPACE, fixed
from schemas.vault.examples import COLLECTION
from tests.specification import given

ONE, TWO, THREE = (fixed(AssetId, number) for number in (1, 2, 3))
CREATE: dict[str, Any] = {
    "collection_id": COLLECTION,
    "workspace_id": WORKSPACE,
    "owner_id": ACCOUNT,
    "name": "For Friday",
    "query": None,
    "assets": (),
}
CHANGE: dict[str, Any] = {"collection_id": COLLECTION, "changed_by": ACCOUNT}
smart = CollectionCreated(**(CREATE | {"kind": "smart", "query": "q=techno"}))
manual = CollectionCreated(**(CREATE | {"kind": "manual", "assets": (ONE, TWO)}))


def changed(**now: Any) -> CollectionChanged:
    known = {"name": "For Friday", "query": None, "assets": ()}
    return CollectionChanged(**CHANGE, workspace_id=WORKSPACE, **(known | now))


def test_a_smart_collection_is_a_question_and_a_manual_one_a_list():
    given().when(collection.create, **smart.model_dump()).then(smart)
    given().when(collection.create, **manual.model_dump()).then(manual)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "smart"},
        {"kind": "manual", "query": "q=techno"},
        {"kind": "smart", "query": "q=techno", "assets": (ONE,)},
    ],
)
def test_no_collection_is_both(wrong: dict[str, Any]):
    refused = collection.WrongKindOfCollection
    given().when(collection.create, **(CREATE | wrong)).then_refused(refused)


def test_a_recording_is_in_a_collection_once():
    twice = CREATE | {"kind": "manual", "assets": (ONE, TWO, ONE)}
    given().when(collection.create, **twice).then(manual)


def test_a_change_says_all_that_it_is_now():
    given(smart).when(collection.change, **CHANGE, name="Late").then(
        changed(name="Late", query="q=techno")
    )
    given(manual).when(collection.change, **CHANGE, add=(THREE,), remove=(ONE,)).then(
        changed(assets=(TWO, THREE))
    )
    given(manual).when(collection.change, **CHANGE, assets=(THREE,)).then(changed(assets=(THREE,)))


def test_what_is_so_already_is_no_change():
    given(manual).when(collection.change, **CHANGE, name="For Friday", add=(ONE,)).then_nothing()


def test_a_question_is_not_given_to_a_list_nor_recordings_to_a_question():
    refused = collection.WrongKindOfCollection
    given(manual).when(collection.change, **CHANGE, query="q=x").then_refused(refused)
    given(smart).when(collection.change, **CHANGE, add=(ONE,)).then_refused(refused)


def test_a_collection_has_an_end():
    many = tuple(fixed(AssetId, number) for number in range(MAX_ASSETS + 1))
    full = collection.CollectionFull
    given(manual).when(collection.change, **CHANGE, assets=many).then_refused(full)


def test_a_deleted_collection_is_gone():
    gone = CollectionDeleted(collection_id=COLLECTION, workspace_id=WORKSPACE, deleted_by=ACCOUNT)
    delete = {"collection_id": COLLECTION, "deleted_by": ACCOUNT}
    given(manual).when(collection.delete, **delete).then(gone)
    given(manual, gone).when(collection.delete, **delete).then_refused(NotFound)
    given(manual, gone).when(collection.change, **CHANGE, name="x").then_refused(NotFound)


def test_a_track_of_the_collection_is_its_cover_until_it_is_taken_out():
    both = {"assets": (ONE, TWO)}
    covered = changed(**both, cover=TWO)
    given(manual).when(collection.change, **CHANGE, cover=TWO).then(covered)
    given(manual, covered).when(collection.change, **CHANGE, cover=TWO).then_nothing()
    renamed = changed(**both, cover=TWO, name="For Sunday")
    given(manual, covered).when(collection.change, **CHANGE, name="For Sunday").then(renamed)
    given(manual, covered).when(collection.change, **CHANGE, cover=None).then(changed(**both))
    out = given(manual, covered).when(collection.change, **CHANGE, remove=(TWO,))
    out.then(changed(assets=(ONE,)))
    wrong = given(manual).when(collection.change, **CHANGE, cover=THREE)
    wrong.then_refused(collection.CoverElsewhere)
