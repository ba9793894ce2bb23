"""Passkeys (WebAuthn): devices that sign in without a password. What they sign is asked once.

A passkey proves the device and its owner (user verification is required), so no second factor is
asked for beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import psycopg
import webauthn
from fastapi import Request
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, JsonValue
from webauthn.helpers import (
    base64url_to_bytes,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from aggregates.account import account
from commands.account.addresses import address_of
from commands.account.logins import Login, Logins
from commands.contexts import command_context
from commands.owned import known
from commands.unit import Commands
from events.errors import NoCultureError
from events.ids import AccountId, PasskeyId
from events.store.pending import Committed
from kit import security_log
from kit.caller import Caller
from schemas.dto import Dto, Timestamp
from schemas.text import Document, Text

NAME = "NoCulture OS"
CHALLENGE_LIFE = timedelta(minutes=5)
# What a challenge is given for: one of a proof, which a stolen session may ask for, adds nothing.
Purpose = Literal["sign-in", "add", "prove"]
# The library answers some broken input with errors of its own parts.
_BROKEN = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)
_COLUMNS = "passkey_id AS id, name, created_at, last_used_at"


# An attestation with a chain of certificates has some 10,000 characters.
Credential = Annotated[dict[str, JsonValue], Document(100_000)]


class AddPasskey(BaseModel):
    """`credential` is what `navigator.credentials.create` gave, as JSON."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Text(100)]
    credential: Credential


class SignInByPasskey(BaseModel):
    """`credential` is what `navigator.credentials.get` gave, as JSON."""

    model_config = ConfigDict(extra="forbid")

    credential: Credential


class PasskeyDto(Dto):
    id: str
    name: str
    created_at: Timestamp
    last_used_at: Timestamp | None = None


class PasskeyRefused(NoCultureError):
    status, code = 401, "passkey-refused"

    def __init__(self) -> None:
        super().__init__("This passkey is not known here any more: sign in with your password")


class PasskeyNotMade(NoCultureError):
    status, code = 422, "passkey-not-made"

    def __init__(self) -> None:
        super().__init__("Your device sent a wrong answer: add the passkey again")


@dataclass(frozen=True, slots=True)
class Site:
    """The host name that browsers tie a passkey to, and the exact origin that may ask for it."""

    host: str
    origin: str


def site_of(request: Request, public_url: str) -> Site:
    """Reads the site from the configured address, or else from the one typed in the browser."""
    asked = urlsplit(public_url or str(request.base_url))
    return Site(asked.hostname or "", f"{asked.scheme}://{asked.netloc}")


class Passkeys:
    def __init__(self, commands: Commands, logins: Logins) -> None:
        self._commands, self._logins, self._pool = commands, logins, commands.pool

    def of(self, caller: Caller) -> list[PasskeyDto]:
        with self._pool.connection() as connection:
            return self._read(connection, "account_id = %s", caller.account_id)

    def ask_to_add(self, caller: Caller, site: Site) -> str:
        """Options for `navigator.credentials.create`, as JSON, for five minutes.

        Raises PasswordNeeded (409).
        """
        self._logins.need_password(caller.account_id)
        options = webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name=NAME,
            user_id=caller.account_id.encode(),
            user_name=address_of(self._commands, caller.account_id) or caller.account_id,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=self._descriptors(caller),
        )
        self._remember(options.challenge, caller.account_id, "add")
        return webauthn.options_to_json(options)

    def add(self, caller: Caller, command: AddPasskey, site: Site) -> tuple[PasskeyDto, Committed]:
        """Raises PasskeyNotMade (422), TooManyPasskeys (409)."""
        account_id, passkey_id = AccountId(caller.account_id), PasskeyId.new()
        try:
            made = parse_registration_credential_json(command.credential)
            challenge = parse_client_data_json(made.response.client_data_json).challenge
            if self._spend(challenge, "add") != account_id:
                raise PasskeyNotMade
            verified = webauthn.verify_registration_response(
                credential=made,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise PasskeyNotMade from error
        unit = self._commands.unit(
            command_context(caller, "POST /api/me/passkeys", None), input={"passkey": passkey_id}
        )
        unit.change(account, account_id, account.add_passkey, passkey_id=passkey_id)
        unit.alongside(
            "INSERT INTO credentials_passkeys"
            " (passkey_id, account_id, credential_id, public_key, sign_count, name)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (
                passkey_id,
                account_id,
                verified.credential_id,
                verified.credential_public_key,
                verified.sign_count,
                command.name,
            ),
        )
        try:
            committed = unit.commit()
        except psycopg.errors.UniqueViolation as error:
            raise PasskeyNotMade from error
        security_log.note("factor", "changed", account_id=account_id, reason="passkey-added")
        with self._pool.connection() as connection:
            return self._read(connection, "passkey_id = %s", passkey_id)[0], committed

    def remove(self, caller: Caller, passkey_id: str) -> Committed:
        """Raises NotFound (404) for another account's passkey too."""
        stored = known(PasskeyId, passkey_id, "The passkey")
        account_id = AccountId(caller.account_id)
        unit = self._commands.unit(
            command_context(caller, "DELETE /api/me/passkeys/{id}", None), input={"passkey": stored}
        )
        unit.change(account, account_id, account.remove_passkey, passkey_id=stored)
        unit.alongside(
            "DELETE FROM credentials_passkeys WHERE passkey_id = %s AND account_id = %s",
            (stored, account_id),
        )
        committed = unit.commit()
        security_log.note("factor", "changed", account_id=account_id, reason="passkey-removed")
        return committed

    def ask_to_sign_in(self, site: Site) -> str:
        """Options for `navigator.credentials.get`, as JSON: any passkey of this site will do."""
        options = webauthn.generate_authentication_options(
            rp_id=site.host, user_verification=UserVerificationRequirement.REQUIRED
        )
        self._remember(options.challenge, None, "sign-in")
        return webauthn.options_to_json(options)

    def ask_to_prove(self, caller: Caller, site: Site) -> str:
        """The same for one of the caller's own passkeys."""
        options = webauthn.generate_authentication_options(
            rp_id=site.host,
            allow_credentials=self._descriptors(caller),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        self._remember(options.challenge, caller.account_id, "prove")
        return webauthn.options_to_json(options)

    def accept(self, command: SignInByPasskey, site: Site) -> Login:
        """Whose passkey has signed what was asked. Raises PasskeyRefused (401)."""
        account_id = self._signed(command, site, None, "sign-in")
        login = self._logins.of_account(account_id)
        if login is None:
            raise PasskeyRefused
        return login

    def prove(self, caller: Caller, command: SignInByPasskey, site: Site) -> None:
        """The caller's own passkey has signed what the caller was asked. Raises PasskeyRefused."""
        if self._signed(command, site, caller.account_id, "prove") != caller.account_id:
            raise PasskeyRefused

    def _signed(
        self, command: SignInByPasskey, site: Site, asked: str | None, purpose: Purpose
    ) -> str:
        """The account whose passkey has signed a challenge that was given to `asked`.

        Raises PasskeyRefused (401).
        """
        try:
            shown = parse_authentication_credential_json(command.credential)
            challenge = parse_client_data_json(shown.response.client_data_json).challenge
            row = self._passkey(base64url_to_bytes(shown.id))
            if self._spend(challenge, purpose) != asked or row is None:
                raise PasskeyRefused
            verified = webauthn.verify_authentication_response(
                credential=shown,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=bytes(row["public_key"]),
                credential_current_sign_count=row["sign_count"],
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise PasskeyRefused from error
        with self._pool.connection() as connection:
            used = connection.execute(
                "UPDATE credentials_passkeys SET sign_count = %s, last_used_at = now()"
                " WHERE passkey_id = %s",
                (verified.new_sign_count, row["passkey_id"]),
            )
        if not used.rowcount:
            raise PasskeyRefused
        return str(row["account_id"])

    def _descriptors(self, caller: Caller) -> list[PublicKeyCredentialDescriptor]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT credential_id FROM credentials_passkeys WHERE account_id = %s",
                (caller.account_id,),
            ).fetchall()
        return [PublicKeyCredentialDescriptor(id=bytes(found)) for (found,) in rows]

    def _remember(self, challenge: bytes, account_id: str | None, purpose: Purpose) -> None:
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM credentials_challenges WHERE expires_at < now()")
            connection.execute(
                "INSERT INTO credentials_challenges (challenge, account_id, purpose, expires_at)"
                " VALUES (%s, %s, %s, now() + %s)",
                (challenge, account_id, purpose, CHALLENGE_LIFE),
            )

    def _spend(self, challenge: bytes, purpose: Purpose) -> str | None:
        """Whom it was given to, None for a stranger. Raises ValueError: not given, or spent."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "DELETE FROM credentials_challenges WHERE challenge = %s AND purpose = %s"
                " AND expires_at > now() RETURNING account_id",
                (challenge, purpose),
            ).fetchone()
        if row is None:
            raise ValueError("this challenge was not given, or is spent")
        return None if row[0] is None else str(row[0])

    def _passkey(self, credential_id: bytes) -> dict[str, Any] | None:
        with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(
                "SELECT passkey_id, account_id, public_key, sign_count FROM credentials_passkeys"
                " WHERE credential_id = %s",
                (credential_id,),
            ).fetchone()

    def _read(
        self, connection: psycopg.Connection[Any], where: str, value: str
    ) -> list[PasskeyDto]:
        cursor = connection.cursor(row_factory=dict_row)
        cursor.execute(
            f"SELECT {_COLUMNS} FROM credentials_passkeys WHERE {where} ORDER BY passkey_id",
            (value,),
        )
        return [PasskeyDto.model_validate(row) for row in cursor]
