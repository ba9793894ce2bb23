"""Finds the people of this installation for those who want to share something with them."""

from __future__ import annotations

from collections.abc import Callable

from aggregates.account.account import EMAIL_CLAIM
from commands.account.logins import Login, Logins
from commands.people import Person
from events.claims import Claim
from events.ids import AccountId


class People:
    """`is_verified` says whether an account has proven its address."""

    def __init__(self, logins: Logins, is_verified: Callable[[str], bool]) -> None:
        self._logins, self._is_verified = logins, is_verified

    def find(self, *, account_id: str | None = None, email: str | None = None) -> Person | None:
        """By id or address. An address nobody has proven finds no one: whoever signed up with
        another's would be given what is meant for them.
        """
        login = self._of_email(email) if email is not None else self._of_account(account_id or "")
        if login is None:
            return None
        key = self._logins.email_key_of(login.account_id)
        return Person(AccountId(login.account_id), Claim(EMAIL_CLAIM, key, scope="global"))

    def _of_email(self, email: str) -> Login | None:
        try:
            login = self._logins.of_email(email)
        except ValueError:
            return None
        return login if login and self._is_verified(login.account_id) else None

    def _of_account(self, account_id: str) -> Login | None:
        return self._logins.of_account(account_id.replace("\x00", ""))
