"""Which account an e-mail address signs in to: the mutable table beside the account's events."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from typing import Annotated

import email_validator
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool
from pydantic import AfterValidator

from events.errors import NoCultureError
from events.ids import AccountId
from schemas.text import Text

# A studio's own network may be `.local` or `.test`: the library's documented way to allow them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def valid_email(text: str) -> str:
    """The address in its normal form. Raises ValueError; asks no DNS, local domains are fine."""
    try:
        found = email_validator.validate_email(
            text, check_deliverability=False, globally_deliverable=False
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError(str(error)) from error
    # Mail programs read `=?utf-8?q?ben?=@x.org` as `ben@x.org` (RFC 2047): another person's.
    if "=?" in found.local_part:
        raise ValueError("An address has no encoded words")
    return found.normalized


MAX_EMAIL = 320
# What somebody types for one: whether it is an address is not told to strangers.
TypedEmail = Annotated[str, Text(MAX_EMAIL, min=0)]
Email = Annotated[str, AfterValidator(valid_email), Text(MAX_EMAIL, min=0)]


class PasswordNeeded(NoCultureError):
    status, code = 409, "password-needed"

    def __init__(self) -> None:
        super().__init__(
            "You signed in by a link and have no password yet: choose one in your account, then"
            " try again with that"
        )


@dataclass(frozen=True, slots=True)
class Login:
    """`password_hash` is None for somebody who was invited and has not chosen a password."""

    account_id: str
    workspace_id: str
    password_hash: str | None
    operator: bool


class Logins:
    """`installation_key` makes e-mail addresses into claim keys that tell nothing without it."""

    SAVE = (
        "INSERT INTO credentials_logins"
        " (account_id, workspace_id, email_key, password_hash, operator)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
    )

    def __init__(self, pool: ConnectionPool, installation_key: bytes) -> None:
        self._pool, self._key = pool, installation_key

    def email_key(self, email: str) -> str:
        """HMAC of the address without regard to case. Raises ValueError when it is no address."""
        plain = unicodedata.normalize("NFC", valid_email(email)).casefold()
        return hmac.new(self._key, f"email\x1f{plain}".encode(), hashlib.sha256).hexdigest()

    def of_email(self, email: str) -> Login | None:
        return self._find("email_key", self.email_key(email))

    def of_account(self, account_id: AccountId | str) -> Login | None:
        return self._find("account_id", str(account_id))

    def email_key_of(self, account_id: str) -> str:
        """The same of the address that an account has; empty for an account that is gone."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT email_key FROM credentials_logins WHERE account_id = %s", (account_id,)
            ).fetchone()
        return str(row[0]) if row else ""

    def need_password(self, account_id: str) -> None:
        """Raises PasswordNeeded (409): there is nothing yet that another way could stand beside."""
        login = self.of_account(account_id)
        if login is None or login.password_hash is None:
            raise PasswordNeeded

    def nobody_yet(self) -> bool:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT 1 FROM credentials_logins LIMIT 1").fetchone()
        return row is None

    def _find(self, column: str, value: str) -> Login | None:
        with self._pool.connection() as connection:
            return (
                connection.cursor(row_factory=class_row(Login))
                .execute(
                    "SELECT account_id, workspace_id, password_hash, operator"
                    f" FROM credentials_logins WHERE {column} = %s",
                    (value,),
                )
                .fetchone()
            )
