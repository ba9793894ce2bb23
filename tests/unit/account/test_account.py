"""Rules of accounts, their workspaces and their keys."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.account import account, key, workspace
from aggregates.account.account import EMAIL_CLAIM, FOUNDER_CLAIM
from aggregates.account.key import ScopeExceedsAccount, UnknownScope
from aggregates.errors import AlreadyExists, NotFound
from events.account.account import AccountRegistered, OperatorGranted, PasswordChanged
from events.account.key import KeyIssued, KeyRevoked
from events.account.workspace import WorkspaceCreated
from events.claims import Claim
from events.ids import AccountId
from schemas.account.examples import KEY
from schemas.examples import ACCOUNT, WORKSPACE, fixed
from tests.specification import given

REGISTER: dict[str, Any] = {
    "account_id": ACCOUNT,
    "workspace_id": WORKSPACE,
    "email": "ada@example.org",
    "name": "Ada Okoye",
    "email_key": "hmac-of-the-address",
}
SCOPES = ("assets:read", "operator", "*")
ISSUE: dict[str, Any] = {"key_id": KEY, "account_id": ACCOUNT, "name": "script", "hint": "k3Qz"}
ASKED = {**ISSUE, "known": SCOPES}

registered = AccountRegistered(
    account_id=ACCOUNT, workspace_id=WORKSPACE, email="ada@example.org", name="Ada Okoye"
)
operator_granted = OperatorGranted(account_id=ACCOUNT)
issued = KeyIssued(**ISSUE, scopes=("assets:read",))
EMAIL = Claim(EMAIL_CLAIM, "hmac-of-the-address", scope="global")


def test_an_address_opens_one_account_in_the_whole_installation():
    given().when(account.register, **REGISTER, founder=False).then(registered).taking(EMAIL)


def test_the_address_itself_is_no_claim_key():
    verdict = given().when(account.register, **REGISTER, founder=True)
    assert all("ada@example.org" not in claim.key for claim in verdict.decision.takes)


def test_the_first_account_of_an_installation_is_its_operator_and_there_is_one_first():
    given().when(account.register, **REGISTER, founder=True).then(
        registered, operator_granted
    ).taking(EMAIL, Claim(FOUNDER_CLAIM, "installation", scope="global"))


def test_an_account_is_registered_once():
    given(registered).when(account.register, **REGISTER, founder=False).then_refused(AlreadyExists)


def test_operator_rights_are_granted_once():
    given(registered).when(account.grant_operator, account_id=ACCOUNT).then(operator_granted)
    given(registered, operator_granted).when(
        account.grant_operator, account_id=ACCOUNT
    ).then_nothing()


def test_every_change_of_password_is_told_but_never_the_password():
    changed = PasswordChanged(account_id=ACCOUNT)
    given(registered, changed).when(account.change_password, account_id=ACCOUNT).then(changed)
    assert set(changed.model_dump()) == {"account_id", "revoked_keys"}


def test_nobody_changes_an_account_that_does_not_exist():
    given().when(account.grant_operator, account_id=ACCOUNT).then_refused(NotFound)
    given().when(account.change_password, account_id=ACCOUNT).then_refused(NotFound)


def test_a_workspace_is_created_once():
    create = {"workspace_id": WORKSPACE, "owner_id": ACCOUNT, "name": "Ada Okoye"}
    created = WorkspaceCreated(**create)
    given().when(workspace.create, **create).then(created)
    given(created).when(workspace.create, **create).then_refused(AlreadyExists)


def test_a_key_has_the_scopes_it_was_given():
    given().when(key.issue, **ASKED, scopes=("assets:read",), operator=False).then(issued)


def test_a_key_is_issued_once():
    given(issued).when(key.issue, **ASKED, scopes=("assets:read",), operator=False).then_refused(
        AlreadyExists
    )


def test_an_unknown_scope_is_refused_with_the_known_ones():
    given().when(key.issue, **ASKED, scopes=("assets:own",), operator=True).then_refused(
        UnknownScope("assets:own", SCOPES)
    )
    assert all(scope in str(UnknownScope("x", SCOPES)) for scope in SCOPES)


@pytest.mark.parametrize(("operator", "allowed"), [(True, True), (False, False)])
def test_only_an_operators_key_may_hold_the_scope_operator(operator: bool, allowed: bool):
    verdict = given().when(key.issue, **ASKED, scopes=("operator",), operator=operator)
    if allowed:
        verdict.then(KeyIssued(**ISSUE, scopes=("operator",)))
    else:
        verdict.then_refused(ScopeExceedsAccount)


def test_a_key_is_revoked_once():
    revoke = {"key_id": KEY, "account_id": ACCOUNT}
    given(issued).when(key.revoke, **revoke).then(KeyRevoked(key_id=KEY))
    given(issued, KeyRevoked(key_id=KEY)).when(key.revoke, **revoke).then_nothing()


def test_another_accounts_key_does_not_exist_for_the_caller():
    stranger = fixed(AccountId, 2)
    given(issued).when(key.revoke, key_id=KEY, account_id=stranger).then_refused(NotFound)
    given().when(key.revoke, key_id=KEY, account_id=ACCOUNT).then_refused(NotFound)
