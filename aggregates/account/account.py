"""Rules of one account. The password never comes here: only the fact that there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.account.account import (
    AccountErased,
    AccountErasureRequested,
    AccountRegistered,
    AddressCodeRequested,
    AddressVerified,
    OperatorGranted,
    PasskeyAdded,
    PasskeyRemoved,
    PasswordChanged,
    PasswordResetRequested,
    RecoveryCodesReplaced,
    RecoveryCodeUsed,
    SecondFactorDisabled,
    SecondFactorEnabled,
    SessionsEnded,
)
from events.claims import Claim
from events.errors import NoCultureError
from events.ids import AccountId, ErasureId, KeyId, PasskeyId, WorkspaceId
from events.model import Event

STORED_AS = "aggregates.account"
EMAIL_CLAIM = "account-email"
FOUNDER_CLAIM = "founder"
MAX_PASSKEYS = 20


class LastOperator(NoCultureError):
    status, code = 409, "last-operator"

    def __init__(self) -> None:
        super().__init__(
            "You are the only operator and others have accounts here: make somebody else one first"
            " (`./noculture operator grant EMAIL`), then delete your account"
        )


class SecondFactorOn(NoCultureError):
    status, code = 409, "second-factor-on"

    def __init__(self) -> None:
        super().__init__(
            "Two-step verification is on already: turn it off first to use another device"
        )


class SecondFactorOff(NoCultureError):
    status, code = 409, "second-factor-off"

    def __init__(self) -> None:
        super().__init__("Two-step verification is off: turn it on first")


class TooManyPasskeys(NoCultureError):
    status, code = 409, "too-many-passkeys"

    def __init__(self) -> None:
        super().__init__(f"An account has at most {MAX_PASSKEYS} passkeys: remove one first")


@dataclass(frozen=True, slots=True)
class Account:
    """`erasure_id` once its owner has asked to be forgotten: from then on it is closed."""

    workspace_id: WorkspaceId
    operator: bool = False
    second_factor: bool = False
    passkeys: tuple[PasskeyId, ...] = ()
    verified: bool = False
    erasure_id: ErasureId | None = None
    erased: bool = False


def register(
    nothing: Account | None,
    account_id: AccountId,
    *,
    workspace_id: WorkspaceId,
    email: str,
    name: str,
    email_key: str,
    founder: bool,
) -> Decision:
    """Open an account. `email_key` is the e-mail's HMAC: the address itself is no claim key.

    A taken address is a lost claim (409). The `founder`, first of the installation, is its
    operator.
    """
    if nothing is not None:
        raise AlreadyExists("The account")
    registered = AccountRegistered(
        account_id=account_id, workspace_id=workspace_id, email=email, name=name
    )
    email_claim = Claim(EMAIL_CLAIM, email_key, scope="global")
    if not founder:
        return Decision(registered, takes=(email_claim,))
    return Decision(
        registered,
        OperatorGranted(account_id=account_id),
        takes=(email_claim, Claim(FOUNDER_CLAIM, "installation", scope="global")),
    )


def grant_operator(account: Account | None, account_id: AccountId) -> Decision:
    """Let the account see and repair the installation."""
    account = _open(account)
    if account.operator:
        return Decision()
    return Decision(OperatorGranted(account_id=account_id))


def end_sessions(
    account: Account | None, account_id: AccountId, *, operator_id: AccountId | None
) -> Decision:
    """An operator signs somebody out everywhere."""
    _open(account)
    return Decision(SessionsEnded(account_id=account_id, operator_id=operator_id))


def change_password(
    account: Account | None, account_id: AccountId, *, revoked_keys: tuple[KeyId, ...] = ()
) -> Decision:
    _open(account)
    return Decision(PasswordChanged(account_id=account_id, revoked_keys=revoked_keys))


def request_password_reset(account: Account | None, account_id: AccountId) -> Decision:
    _open(account)
    return Decision(PasswordResetRequested(account_id=account_id))


def enable_second_factor(account: Account | None, account_id: AccountId) -> Decision:
    """Refuses SecondFactorOn (409)."""
    if _open(account).second_factor:
        raise SecondFactorOn
    return Decision(SecondFactorEnabled(account_id=account_id))


def disable_second_factor(account: Account | None, account_id: AccountId) -> Decision:
    """Refuses SecondFactorOff (409)."""
    if not _open(account).second_factor:
        raise SecondFactorOff
    return Decision(SecondFactorDisabled(account_id=account_id))


def replace_recovery_codes(account: Account | None, account_id: AccountId) -> Decision:
    """Refuses SecondFactorOff (409)."""
    if not _open(account).second_factor:
        raise SecondFactorOff
    return Decision(RecoveryCodesReplaced(account_id=account_id))


def use_recovery_code(account: Account | None, account_id: AccountId) -> Decision:
    _open(account)
    return Decision(RecoveryCodeUsed(account_id=account_id))


def request_address_code(account: Account | None, account_id: AccountId) -> Decision:
    """Asking for an address that is verified changes nothing."""
    if _open(account).verified:
        return Decision()
    return Decision(AddressCodeRequested(account_id=account_id))


def verify_address(account: Account | None, account_id: AccountId) -> Decision:
    """Verifying again changes nothing."""
    if _open(account).verified:
        return Decision()
    return Decision(AddressVerified(account_id=account_id))


def add_passkey(
    account: Account | None, account_id: AccountId, *, passkey_id: PasskeyId
) -> Decision:
    """Refuses TooManyPasskeys (409)."""
    if len(_open(account).passkeys) >= MAX_PASSKEYS:
        raise TooManyPasskeys
    return Decision(PasskeyAdded(account_id=account_id, passkey_id=passkey_id))


def remove_passkey(
    account: Account | None, account_id: AccountId, *, passkey_id: PasskeyId
) -> Decision:
    """Refuses NotFound (404)."""
    if passkey_id not in _open(account).passkeys:
        raise NotFound("The passkey")
    return Decision(PasskeyRemoved(account_id=account_id, passkey_id=passkey_id))


def request_erasure(
    account: Account | None,
    account_id: AccountId,
    *,
    erasure_id: ErasureId,
    releases: tuple[Claim, ...],
    last_operator: bool,
) -> Decision:
    """Close the account; `releases` are the claims it holds: its address, perhaps being founder.

    Asking again changes nothing. Refuses LastOperator (409) while others have accounts.
    """
    if account is None:
        raise NotFound("The account")
    if account.erasure_id is not None:
        return Decision()
    if last_operator:
        raise LastOperator
    requested = AccountErasureRequested(
        account_id=account_id, workspace_id=account.workspace_id, erasure_id=erasure_id
    )
    return Decision(requested, releases=releases)


def erase(account: Account | None, account_id: AccountId, *, erasure_id: ErasureId) -> Decision:
    if account is None:
        raise NotFound("The account")
    if account.erased:
        return Decision()
    return Decision(AccountErased(account_id=account_id, erasure_id=erasure_id))


def evolve(account: Account | None, event: Event) -> Account | None:
    match event:
        case AccountRegistered():
            return Account(event.workspace_id)
        case OperatorGranted() if account is not None:
            return replace(account, operator=True)
        case SecondFactorEnabled() | SecondFactorDisabled() if account is not None:
            return replace(account, second_factor=isinstance(event, SecondFactorEnabled))
        case AddressVerified() if account is not None:
            return replace(account, verified=True)
        case PasskeyAdded() if account is not None:
            return replace(account, passkeys=(*account.passkeys, event.passkey_id))
        case PasskeyRemoved() if account is not None:
            left = tuple(each for each in account.passkeys if each != event.passkey_id)
            return replace(account, passkeys=left)
        case AccountErasureRequested() if account is not None:
            return replace(account, erasure_id=event.erasure_id, operator=False)
        case AccountErased() if account is not None:
            return replace(account, erasure_id=event.erasure_id, erased=True)
        case _:
            return account


def _open(account: Account | None) -> Account:
    if account is None or account.erasure_id is not None:
        raise NotFound("The account")
    return account
