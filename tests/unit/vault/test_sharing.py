"""A recording shared with somebody of another workspace: its rules, and the view of the grants."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import shared_claim
from aggregates.vault.sharing import MAX_PEOPLE, OwnThing, SharedWithTooMany
from events.access import OWN, RIGHTS, Grants, RightMissing, require
from events.ids import AccountId
from events.model import Event
from events.vault.asset import AssetShared, AssetUnshared
from projections.system.grants import Grants as GrantsView
from projections.vault.vault import Vault
from schemas.examples import ACCOUNT, WORKSPACE, example_of, fixed
from schemas.vault.examples import ANOTHER, ASSET
from tests.specification import given, projection

uploaded, deleted = example_of("asset.uploaded", 2), example_of("asset.deleted", 1)
shared: AssetShared = example_of("asset.shared", 1)
unshared: AssetUnshared = example_of("asset.unshared", 1)
THIRD = fixed(AccountId, 3)
CLAIM = shared_claim(ASSET, ANOTHER)


def to(account_id: AccountId = ANOTHER, right: str = "comment") -> dict[str, Any]:
    return {"asset_id": ASSET, "account_id": account_id, "right": right, "shared_by": ACCOUNT}


def of(account_id: AccountId = ANOTHER) -> dict[str, Any]:
    return {"asset_id": ASSET, "account_id": account_id, "unshared_by": ACCOUNT}


def with_right(right: str, account_id: AccountId = ANOTHER) -> AssetShared:
    return shared.model_copy(update={"right": right, "account_id": account_id})


def test_a_recording_is_shared_once_and_its_claim_finds_it_when_the_person_is_erased():
    given(uploaded).when(asset.share, **to()).then(shared).taking(CLAIM)
    given(uploaded, shared).when(asset.share, **to()).then_nothing()
    assert CLAIM.scope == "global"
    assert CLAIM.key.startswith(f"{ANOTHER}:")


def test_another_right_takes_the_place_of_the_first():
    changed = given(uploaded, shared).when(asset.share, **to(right="listen"))
    changed.then(with_right("listen"))
    assert changed.decision.takes == ()


def test_it_is_not_shared_with_its_owner_nor_once_it_is_gone():
    given(uploaded).when(asset.share, **to(ACCOUNT)).then_refused(OwnThing)
    given().when(asset.share, **to()).then_refused(NotFound("The asset"))
    given(uploaded, deleted).when(asset.share, **to()).then_refused(NotFound("The asset"))


def test_a_recording_is_shared_with_so_many_people_at_most():
    everybody = [with_right("listen", fixed(AccountId, 10 + n)) for n in range(MAX_PEOPLE)]
    given(uploaded, *everybody).when(asset.share, **to()).then_refused(SharedWithTooMany)
    again = {**to(fixed(AccountId, 10)), "right": "edit"}
    given(uploaded, *everybody).when(asset.share, **again).then(
        with_right("edit", fixed(AccountId, 10))
    )


def test_what_is_not_shared_with_somebody_is_not_taken_from_them():
    given(uploaded, shared).when(asset.unshare, **of()).then(unshared).releasing(CLAIM)
    given(uploaded, shared).when(asset.unshare, **of(THIRD)).then_refused(NotFound("The grant"))
    given(uploaded, shared, unshared).when(asset.unshare, **of()).then_refused(
        NotFound("The grant")
    )


def test_a_deleted_recording_lets_go_of_everybody():
    gone = given(uploaded, shared).when(asset.delete, asset_id=ASSET, deleted_by=ACCOUNT)
    gone.releasing(asset.content_claim(uploaded.sha256), CLAIM)


def test_tags_that_somebody_else_typed_are_the_owners():
    verified = example_of("asset.verified", 3)
    typed = given(uploaded, verified, with_right("edit")).when(
        asset.edit_tags, asset_id=ASSET, edited_by=ANOTHER, changes={"title": "Day Bus"}
    )
    [edited] = typed.decision.events
    assert (edited.owner_id, edited.edited_by, edited.subject_field) == (
        ACCOUNT,
        ANOTHER,
        "owner_id",
    )


def test_each_right_holds_those_before_it():
    for place, held in enumerate(RIGHTS):
        for wanted in RIGHTS[: place + 1]:
            require(held, wanted)
        for wanted in RIGHTS[place + 1 :]:
            with pytest.raises(RightMissing):
                require(held, wanted)
    assert RIGHTS[-1] == OWN


def test_a_grant_is_a_row_until_it_is_taken_back():
    key = (ASSET, ASSET, ANOTHER)
    seen = projection(GrantsView()).given(uploaded, shared)
    seen.then_row(key, right_to="comment", workspace_id=WORKSPACE, since=2)
    changed = projection(GrantsView()).given(uploaded, shared, with_right("edit"))
    changed.then_row(key, right_to="edit", since=3)
    projection(GrantsView()).given(uploaded, shared, unshared).then_no_rows()
    both = projection(GrantsView()).given(uploaded, shared, with_right("edit", THIRD), deleted)
    both.then_no_rows()


def test_the_view_of_grants_stops_and_reads_only_what_declares():
    view = GrantsView()
    assert view.money
    assert {"asset.shared", "asset.unshared", "asset.deleted"} <= view.types
    assert "asset.uploaded" not in view.types


def test_sharing_moves_the_version_that_the_vault_shows():
    projection(Vault()).given(uploaded, shared, unshared).then_row(ASSET, version=3)


def test_a_model_declares_access_by_fields_that_it_has():
    with pytest.raises(TypeError, match="fields that it does not have"):

        class Lent(
            Event,
            type="specimen.lent",
            version=1,
            access=Grants(thing="copy_id", account="to", right="right"),
        ):
            copy_id: str
            right: str
