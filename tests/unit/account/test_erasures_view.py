"""The folds that an erasure reaches."""

from __future__ import annotations

from projections.account.accounts import Accounts
from projections.account.erasures import Erasures
from schemas.account.examples import CERTIFICATE, ERASURE, PARTY
from schemas.examples import ACCOUNT, example_of
from tests.specification import projection


def test_an_erasure_shows_what_is_done_and_where_its_key_was_destroyed():
    past = [
        example_of("erasure.requested", 2),
        example_of("erasure.step_requested", 2),
        example_of("erasure.contents_deleted", 1),
        example_of("erasure.key_destroyed", 1),
    ]
    projection(Erasures()).given(*past).then_row(
        ERASURE, subject="account", contents_deleted=True, erased_position=4, certificate=None
    )
    projection(Erasures()).given(*past, example_of("erasure.certified", 1)).then_row(
        ERASURE, certificate=CERTIFICATE.model_dump(mode="json")
    )


def test_an_erasure_of_a_party_is_a_persons():
    asked = example_of("erasure.requested", 2).model_copy(update={"subject_id": PARTY})
    projection(Erasures()).given(asked).then_row(ERASURE, subject="person")


def test_of_an_erased_account_no_row_is_left():
    registered, erased = example_of("account.registered", 1), example_of("account.erased", 1)
    projection(Accounts()).given(registered).then_row(ACCOUNT, email=registered.email)
    projection(Accounts()).given(registered, erased).then_no_rows()
