"""Whether mails to an account's address arrive: a code that was mailed there is typed in.

Until then nothing is mailed in the account's name. Without a mail server (test mode) every address
counts as verified.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from aggregates.account import account
from commands.account.addresses import address_of
from commands.contexts import command_context
from commands.unit import Commands, Unit
from events.errors import NoCultureError
from events.ids import AccountId
from events.store.pending import Committed
from kit.caller import Caller

CODE_LIFE = timedelta(hours=24)
DIGITS = 8
# There are a hundred million codes: at five new ones an hour, guessing would take 450 years.
MAX_GUESSES = 5
VERIFY_AT, ASK_AT = "/api/me/address/verify", "/api/me/address/code"


class WrongAddressCode(NoCultureError):
    status, code = 422, "wrong-address-code"

    def __init__(self) -> None:
        super().__init__("This code is wrong: type the code from the newest mail")


class AddressCodeSpent(NoCultureError):
    status, code = 410, "address-code-spent"

    def __init__(self) -> None:
        super().__init__("The code was tried too often or is older than a day: ask for a new one")


class AddressCodes:
    def __init__(self, commands: Commands, installation_key: bytes, *, test_mode: bool) -> None:
        self._commands, self._pool = commands, commands.pool
        self._key, self._test_mode = installation_key, test_mode

    def is_verified(self, account_id: str) -> bool:
        """False for an account that is gone."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT verified_at IS NOT NULL FROM credentials_logins WHERE account_id = %s",
                (account_id,),
            ).fetchone()
        return row is not None and (self._test_mode or row[0])

    def address_for_notices(self, account_id: str) -> str | None:
        """None for one that nobody has verified: it may be a stranger's, whom we would fill."""
        return address_of(self._commands, account_id) if self.is_verified(account_id) else None

    def ask(self, caller: Caller) -> Committed:
        """A new code by mail; the earlier one stops working. Nothing once it is verified."""
        account_id = AccountId(caller.account_id)
        unit = self._unit(caller, f"POST {ASK_AT}")
        unit.change(account, account_id, account.request_address_code)
        return unit.commit()

    def verify(self, caller: Caller, code: str) -> Committed | None:
        """None when it counts as verified already: then no code is looked at.

        Raises WrongAddressCode (422), AddressCodeSpent (410).
        """
        if self.is_verified(caller.account_id):
            return None
        account_id = AccountId(caller.account_id)
        with self._pool.connection() as connection:
            # The guess is counted before it is compared, so that simultaneous guesses count too.
            row = connection.execute(
                "UPDATE credentials_address_codes SET wrong = wrong + 1 WHERE account_id = %s"
                " AND wrong < %s AND expires_at > now() RETURNING code_hash",
                (account_id, MAX_GUESSES),
            ).fetchone()
        if row is None:
            raise AddressCodeSpent
        if not hmac.compare_digest(bytes(row[0]), self._hash(account_id, code)):
            raise WrongAddressCode
        unit = self._unit(caller, f"POST {VERIFY_AT}")
        stage_verified(unit, account_id)
        return unit.commit()

    def make(self, account_id: str) -> tuple[str, str] | None:
        """(address, code) for the mail. None when there is nothing to verify any more."""
        address = address_of(self._commands, account_id)
        if address is None or self.is_verified(account_id):
            return None
        code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        with self._pool.connection() as connection:
            made = connection.execute(
                "INSERT INTO credentials_address_codes (account_id, code_hash, expires_at)"
                " SELECT account_id, %s, now() + %s FROM credentials_logins WHERE account_id = %s"
                " ON CONFLICT (account_id) DO UPDATE SET wrong = 0,"
                " code_hash = excluded.code_hash, expires_at = excluded.expires_at",
                (self._hash(account_id, code), CODE_LIFE, account_id),
            )
        return (address, code) if made.rowcount else None

    def _unit(self, caller: Caller, route: str) -> Unit:
        return self._commands.unit(
            command_context(caller, route, None), input={"account_id": caller.account_id}
        )

    def _hash(self, account_id: str, code: str) -> bytes:
        told = f"address-code\x1f{account_id}\x1f{''.join(code.split())}"
        return hmac.digest(self._key, told.encode(), "sha256")


def stage_verified(unit: Unit, account_id: AccountId) -> None:
    """The address is verified with what else the unit does."""
    unit.change(account, account_id, account.verify_address)
    unit.alongside(
        "UPDATE credentials_logins SET verified_at = now() WHERE account_id = %s", (account_id,)
    )
    unit.alongside("DELETE FROM credentials_address_codes WHERE account_id = %s", (account_id,))
