"""Rules of an erasure, of the account it closes, and of the subject it erases."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aggregates.account import account, erasure, party, subject
from aggregates.account.account import LastOperator
from aggregates.account.erasure import ContentsRemain, KeyRemains
from aggregates.errors import AlreadyExists, NotFound
from events.account.account import AccountErased, AccountErasureRequested, OperatorGranted
from events.account.erasure import (
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureMoneyAwaited,
    ErasureRequested,
)
from events.account.party import (
    PartyErased,
    PartyErasureLinkRequested,
    PartyErasureRequested,
    PartyKnown,
)
from events.account.subject import SubjectErased
from events.claims import Claim
from events.ids import AccountId, SubjectId, person_id
from events.money import no_more_money_of
from schemas.account.examples import CERTIFICATE, ERASURE, PARTY
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from tests.specification import given

registered = example_of("account.registered", 1)
closed = AccountErasureRequested(account_id=ACCOUNT, workspace_id=WORKSPACE, erasure_id=ERASURE)
erased = AccountErased(account_id=ACCOUNT, erasure_id=ERASURE)
operator = OperatorGranted(account_id=ACCOUNT)
ADDRESS = Claim("account-email", "hmac", scope="global")
CLOSE = {
    "account_id": ACCOUNT,
    "erasure_id": ERASURE,
    "releases": (ADDRESS,),
    "last_operator": False,
}

requested = ErasureRequested(erasure_id=ERASURE, subject_id=ACCOUNT, workspace_id=WORKSPACE)
awaited = ErasureMoneyAwaited(erasure_id=ERASURE)
emptied = ErasureContentsDeleted(erasure_id=ERASURE, assets=1, blobs=3)
destroyed = ErasureKeyDestroyed(erasure_id=ERASURE)
certified = ErasureCertified(erasure_id=ERASURE, certificate=CERTIFICATE)
CERTIFY = {"erasure_id": ERASURE, "certificate": CERTIFICATE}


def test_money_is_awaited_before_anything_is_deleted():
    given(requested).when(erasure.await_money, erasure_id=ERASURE).then(awaited)
    given(requested, emptied).when(erasure.await_money, erasure_id=ERASURE).then_nothing()


def test_closing_an_account_frees_its_address():
    given(registered).when(account.request_erasure, **CLOSE).then(closed).releasing(ADDRESS)


def test_an_account_is_closed_once():
    given(registered, closed).when(account.request_erasure, **CLOSE).then_nothing()
    given(registered, closed, erased).when(account.request_erasure, **CLOSE).then_nothing()
    again = {"account_id": ACCOUNT, "erasure_id": ERASURE}
    given(registered, closed).when(account.erase, **again).then(erased)
    given(registered, closed, erased).when(account.erase, **again).then_nothing()


def test_the_last_operator_stays():
    last = CLOSE | {"last_operator": True}
    given(registered, operator).when(account.request_erasure, **last).then_refused(LastOperator)


@pytest.mark.parametrize("rule", [account.grant_operator, account.change_password])
def test_a_closed_account_does_not_exist_for_anything_else(rule):
    given(registered, closed).when(rule, account_id=ACCOUNT).then_refused(NotFound)


def test_an_erasure_takes_the_claim_that_makes_it_the_only_one():
    claim = Claim("account-erasure", ACCOUNT)
    begin = {"erasure_id": ERASURE, "subject_id": ACCOUNT, "workspace_id": WORKSPACE}
    given().when(erasure.request, **begin, claim=claim).then(requested).taking(
        claim, no_more_money_of(ACCOUNT)
    )


def test_the_parts_come_in_order_and_once():
    past = given(requested)
    past.when(erasure.destroy_key, erasure_id=ERASURE).then_refused(ContentsRemain)
    past.when(erasure.certify, **CERTIFY).then_refused(KeyRemains)
    past.when(erasure.delete_contents, erasure_id=ERASURE, assets=1, blobs=3).then(emptied)
    past = given(requested, emptied)
    past.when(erasure.delete_contents, erasure_id=ERASURE, assets=0, blobs=0).then_nothing()
    past.when(erasure.destroy_key, erasure_id=ERASURE).then(destroyed)
    past = given(requested, emptied, destroyed)
    past.when(erasure.destroy_key, erasure_id=ERASURE).then_nothing()
    past.when(erasure.certify, **CERTIFY).then(certified)
    past = given(requested, emptied, destroyed, certified)
    past.when(erasure.certify, **CERTIFY).then_nothing()


@pytest.mark.parametrize(
    ("step", "done"),
    [
        ("contents", (requested, emptied)),
        ("key", (requested, emptied, destroyed)),
        ("certificate", (requested, emptied, destroyed, certified)),
    ],
)
def test_a_part_that_is_done_is_not_asked_for_again(step: str, done: tuple):
    wanted = {"erasure_id": ERASURE, "step": step, "attempt": 2}
    given(*done[:-1]).when(erasure.request_step, **wanted).then(
        example_of("erasure.step_requested", 2).model_copy(update={"step": step, "attempt": 2})
    )
    given(*done).when(erasure.request_step, **wanted).then_nothing()


def test_a_subject_is_erased_once():
    names = {"subject_id": ACCOUNT, "workspace_id": WORKSPACE, "erasure_id": ERASURE}
    told = SubjectErased(**names)
    stream = SubjectId.beside(ACCOUNT)
    given().when(subject.erase, stream_id=stream, **names).then(told)
    given(told).when(subject.erase, stream_id=stream, **names).then_nothing()


known = PartyKnown(party_id=PARTY, email="bo@example.org")
leaving = PartyErasureRequested(party_id=PARTY, erasure_id=ERASURE)
gone = PartyErased(party_id=PARTY, erasure_id=ERASURE)
THEIRS = Claim("party-address", "hmac", scope="global")
LEAVE = {"party_id": PARTY, "erasure_id": ERASURE, "releases": (THEIRS,)}


def test_a_party_is_known_by_an_address_that_only_one_has():
    about = {"party_id": PARTY, "email": "bo@example.org", "email_key": "hmac"}
    given().when(party.know, **about).then(known).taking(THEIRS)
    given(known).when(party.know, **about).then_refused(AlreadyExists)


def test_a_party_that_asked_to_be_forgotten_frees_its_address_and_asks_for_no_more():
    given(known).when(party.request_erasure, **LEAVE).then(leaving).releasing(THEIRS)
    given(known, leaving).when(party.request_erasure, **LEAVE).then_nothing()
    link = PartyErasureLinkRequested(party_id=PARTY)
    given(known).when(party.request_erasure_link, party_id=PARTY).then(link)
    for past in ((), (known, leaving), (known, leaving, gone)):
        given(*past).when(party.request_erasure_link, party_id=PARTY).then_refused(NotFound)


def test_a_party_is_erased_once():
    again = {"party_id": PARTY, "erasure_id": ERASURE}
    given(known, leaving).when(party.erase, **again).then(gone)
    given(known, leaving, gone).when(party.erase, **again).then_nothing()
    given().when(party.erase, **again).then_refused(NotFound)
    given().when(party.request_erasure, **LEAVE).then_refused(NotFound)


def test_an_erasure_is_of_an_account_or_a_party():
    claim = Claim("party-erasure", PARTY)
    begin = {"erasure_id": ERASURE, "subject_id": PARTY, "workspace_id": WORKSPACE}
    given().when(erasure.request, **begin, claim=claim).then(ErasureRequested(**begin)).taking(
        claim, no_more_money_of(PARTY)
    )
    assert person_id(str(PARTY)) == PARTY
    assert type(person_id(str(ACCOUNT))) is AccountId
    with pytest.raises(ValidationError):
        ErasureRequested(**begin | {"subject_id": WORKSPACE})
