"""Who wants to change what signs in proves it anew: a browser left open must not be enough."""

from __future__ import annotations

from pydantic import SecretStr

from commands.logins import Login, Logins
from commands.passwords import Passwords
from commands.sessions import WrongCredentials
from events.errors import NoCultureError
from kit.caller import Caller


class PasswordNeeded(NoCultureError):
    status, code = 409, "password-needed"

    def __init__(self) -> None:
        super().__init__(
            "You signed in by a link and have no password yet: choose one in your account, then"
            " try again with that"
        )


class Proofs:
    def __init__(self, logins: Logins, passwords: Passwords) -> None:
        self._logins, self._passwords = logins, passwords

    def by_password(self, caller: Caller, password: SecretStr) -> Login:
        """Raises WrongCredentials (401), PasswordNeeded (409)."""
        login = self._logins.of_account(caller.account_id)
        if login is None:
            raise WrongCredentials
        if login.password_hash is None:
            raise PasswordNeeded
        if not self._passwords.fits(password.get_secret_value(), login.password_hash):
            raise WrongCredentials
        return login
