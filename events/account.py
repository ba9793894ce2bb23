"""Accounts: who may sign in. Passwords, sessions and secrets never appear here."""

from __future__ import annotations

from events.ids import AccountId, ErasureId, WorkspaceId
from events.model import Event, Personal


class AccountRegistered(Event, type="account.registered", version=1, subject="account_id"):
    """Somebody signed up; their workspace was made in the same append."""

    account_id: AccountId
    workspace_id: WorkspaceId
    email: Personal[str]
    name: Personal[str]


class OperatorGranted(Event, type="account.operator_granted", version=1):
    """The account may see and repair the installation itself."""

    account_id: AccountId


class PasswordChanged(Event, type="account.password_changed", version=1):
    """A new password counts from now on; every other session was ended."""

    account_id: AccountId


class AccountErasureRequested(Event, type="account.erasure_requested", version=1):
    """The owner wants to be forgotten: nobody signs in to it again, its address is free."""

    account_id: AccountId
    workspace_id: WorkspaceId
    erasure_id: ErasureId


class AccountErased(Event, type="account.erased", version=1):
    """Nothing of the person is left here; what other streams say of them cannot be read."""

    account_id: AccountId
    erasure_id: ErasureId
