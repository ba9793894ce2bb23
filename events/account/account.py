"""Accounts: who may sign in. Passwords, sessions and secrets never appear here."""

from __future__ import annotations

from events.ids import AccountId, ErasureId, KeyId, PasskeyId, WorkspaceId
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


class SessionsEnded(Event, type="account.sessions_ended", version=1):
    """An operator ended every session of the account; without one it was done at the machine."""

    account_id: AccountId
    operator_id: AccountId | None


class PasswordChanged(Event, type="account.password_changed", version=1):
    """A new password counts from now on; every other session was ended.

    `revoked_keys` are those that its owner no longer trusted.
    """

    account_id: AccountId
    revoked_keys: tuple[KeyId, ...] = ()


class PasswordResetRequested(Event, type="account.password_reset_requested", version=1):
    """Somebody who knows the address wants a new password; a link goes to the address by mail."""

    account_id: AccountId


class SecondFactorEnabled(Event, type="account.second_factor_enabled", version=1):
    """From now on a password signs in only together with a code of the owner's device."""

    account_id: AccountId


class SecondFactorDisabled(Event, type="account.second_factor_disabled", version=1):
    """The password alone signs in again."""

    account_id: AccountId


class RecoveryCodesReplaced(Event, type="account.recovery_codes_replaced", version=1):
    """New codes for the day on which the device is lost; the earlier ones count no more."""

    account_id: AccountId


class RecoveryCodeUsed(Event, type="account.recovery_code_used", version=1):
    """Somebody proved themselves by a recovery code instead of the device; it counts no more."""

    account_id: AccountId


class PasskeyAdded(Event, type="account.passkey_added", version=1):
    """A device signs in to the account without a password."""

    account_id: AccountId
    passkey_id: PasskeyId


class PasskeyRemoved(Event, type="account.passkey_removed", version=1):
    """The device signs in no more."""

    account_id: AccountId
    passkey_id: PasskeyId


class AddressCodeRequested(Event, type="account.address_code_requested", version=1):
    """A new code goes to the address, for its owner to show that mails arrive."""

    account_id: AccountId


class AddressVerified(Event, type="account.address_verified", version=1):
    """The owner has shown that mails to the address arrive: mails may go out in their name."""

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
