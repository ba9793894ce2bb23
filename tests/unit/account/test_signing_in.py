"""What signs in beside the password: rules of the account that has it."""

from __future__ import annotations

from aggregates.account import account
from aggregates.account.account import (
    MAX_PASSKEYS,
    SecondFactorOff,
    SecondFactorOn,
    TooManyPasskeys,
)
from aggregates.errors import NotFound
from events.account.account import (
    AccountErasureRequested,
    AddressCodeRequested,
    AddressVerified,
    PasskeyAdded,
    PasskeyRemoved,
    PasswordResetRequested,
    RecoveryCodesReplaced,
    RecoveryCodeUsed,
    SecondFactorDisabled,
    SecondFactorEnabled,
)
from events.ids import PasskeyId
from schemas.account.examples import ERASURE, PASSKEY
from schemas.examples import ACCOUNT, WORKSPACE, fixed
from tests.specification import given
from tests.unit.account.test_account import registered

WHOSE = {"account_id": ACCOUNT}
enabled, disabled = SecondFactorEnabled(**WHOSE), SecondFactorDisabled(**WHOSE)
closed = AccountErasureRequested(**WHOSE, workspace_id=WORKSPACE, erasure_id=ERASURE)


def passkey(number: int) -> PasskeyAdded:
    return PasskeyAdded(**WHOSE, passkey_id=fixed(PasskeyId, number))


def test_a_second_factor_is_turned_on_once_and_off_again():
    given(registered).when(account.enable_second_factor, **WHOSE).then(enabled)
    given(registered, enabled).when(account.enable_second_factor, **WHOSE).then_refused(
        SecondFactorOn
    )
    given(registered, enabled).when(account.disable_second_factor, **WHOSE).then(disabled)
    given(registered, enabled, disabled).when(account.disable_second_factor, **WHOSE).then_refused(
        SecondFactorOff
    )


def test_an_address_is_verified_once_and_then_no_code_is_asked_for():
    verified = AddressVerified(**WHOSE)
    asked = AddressCodeRequested(**WHOSE)
    given(registered).when(account.request_address_code, **WHOSE).then(asked)
    given(registered, asked).when(account.verify_address, **WHOSE).then(verified)
    given(registered, verified).when(account.verify_address, **WHOSE).then_nothing()
    given(registered, verified).when(account.request_address_code, **WHOSE).then_nothing()
    given(registered, closed).when(account.verify_address, **WHOSE).then_refused(NotFound)


def test_that_a_recovery_code_was_used_is_told():
    given(registered, enabled).when(account.use_recovery_code, **WHOSE).then(
        RecoveryCodeUsed(**WHOSE)
    )


def test_recovery_codes_belong_to_a_second_factor():
    given(registered).when(account.replace_recovery_codes, **WHOSE).then_refused(SecondFactorOff)
    given(registered, enabled).when(account.replace_recovery_codes, **WHOSE).then(
        RecoveryCodesReplaced(**WHOSE)
    )


def test_an_account_has_several_passkeys_but_not_endlessly_many():
    full = [passkey(number) for number in range(1, MAX_PASSKEYS + 1)]
    one_more = {**WHOSE, "passkey_id": fixed(PasskeyId, MAX_PASSKEYS + 1)}
    given(registered, *full).when(account.add_passkey, **one_more).then_refused(TooManyPasskeys)
    removed = PasskeyRemoved(**WHOSE, passkey_id=PASSKEY)
    given(registered, *full, removed).when(account.add_passkey, **one_more).then(
        PasskeyAdded(**one_more)
    )


def test_a_passkey_is_removed_once():
    which = {**WHOSE, "passkey_id": PASSKEY}
    removed = PasskeyRemoved(**which)
    given(registered, passkey(1)).when(account.remove_passkey, **which).then(removed)
    given(registered, passkey(1), removed).when(account.remove_passkey, **which).then_refused(
        NotFound
    )


def test_nobody_gets_a_link_into_a_closed_account():
    given(registered).when(account.request_password_reset, **WHOSE).then(
        PasswordResetRequested(**WHOSE)
    )
    given(registered, closed).when(account.request_password_reset, **WHOSE).then_refused(NotFound)
