"""The folds that an erasure reaches."""

from __future__ import annotations

from projections.account.accounts import Accounts
from projections.account.erasures import Erasures
from schemas.account.examples import CERTIFICATE, ERASURE
from schemas.examples import ACCOUNT, example_of
from tests.specification import projection


def test_an_erasure_shows_what_is_done_and_where_its_key_was_destroyed():
    past = [
        example_of(f"erasure.{name}", 1)
        for name in ("requested", "step_requested", "contents_deleted", "key_destroyed")
    ]
    projection(Erasures()).given(*past).then_row(
        ERASURE, contents_deleted=True, erased_position=4, certificate=None
    )
    projection(Erasures()).given(*past, example_of("erasure.certified", 1)).then_row(
        ERASURE, certificate=CERTIFICATE.model_dump(mode="json")
    )


def test_of_an_erased_account_no_row_is_left():
    registered, erased = example_of("account.registered", 1), example_of("account.erased", 1)
    projection(Accounts()).given(registered).then_row(ACCOUNT, email=registered.email)
    projection(Accounts()).given(registered, erased).then_no_rows()
