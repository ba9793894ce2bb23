"""The second factor: a code of the owner's device (RFC 6238), and eight codes for when it is lost.

The seed is encrypted under the key of the account's subject, so it is destroyed with it and wrapped
anew with it. Recovery codes are kept as HMACs: 60 random bits alone could be tried out.
"""

from __future__ import annotations

import base64
import hmac
import io
import os
import secrets
import time
from collections.abc import Callable
from typing import Annotated

import pyotp
import segno
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool
from pydantic import SecretStr

from aggregates.account import account
from aggregates.account.account import SecondFactorOff, SecondFactorOn
from commands.account.addresses import address_of
from commands.account.logins import Logins
from commands.contexts import command_context, correlation_id
from commands.unit import CommandContext, Commands, Unit
from events.errors import NoCultureError
from events.ids import AccountId, CommandId
from events.store.pending import Committed
from kit import security_log
from kit.backoff import Backoff, Patience
from kit.caller import Caller
from kit.tokens import Signer
from schemas.dto import Dto, Timestamp
from schemas.text import Opaque

ISSUER = "NoCulture OS"
STEP_S = 30
# Clocks of phones are right to some seconds; who types slowly is one step late.
DRIFT_STEPS = 1
RECOVERY_CODES = 8
# Three of a million codes fit at a time: four guesses an hour do not find one by chance.
CODE_PATIENCE = Patience("second-factor", free=5, cap_s=900)
MAX_CODE = 40
GivenCode = Annotated[SecretStr, Opaque(MAX_CODE)]
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class SecondFactorDto(Dto):
    enabled: bool
    enabled_at: Timestamp | None = None
    recovery_codes_left: int = 0


class SecondFactorSetup(Dto):
    """For the owner's app: `uri` as a QR code in `qr_svg`, or `secret` typed by hand."""

    secret: str
    uri: str
    qr_svg: str


class RecoveryCodes(Dto):
    """Each signs in once instead of the device's code; shown this once."""

    codes: list[str]


class SecondFactorNeeded(NoCultureError):
    status, code = 401, "second-factor-needed"

    def __init__(self) -> None:
        super().__init__(
            "The password is right: send the password again with the `code` that your device shows"
        )


class WrongCode(NoCultureError):
    status, code = 401, "wrong-code"

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong or used already: wait for the next one, or use a recovery code"
        )


class SecondFactors:
    """`now` gives Unix seconds; another clock is for tests."""

    def __init__(
        self,
        commands: Commands,
        logins: Logins,
        backoff: Backoff,
        signer: Signer,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._commands, self._logins, self._backoff = commands, logins, backoff
        self._pool: ConnectionPool = commands.pool
        self._signer, self._now = signer, now

    def of(self, caller: Caller) -> SecondFactorDto:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT enabled_at, (SELECT count(*) FROM credentials_recovery_codes r"
                " WHERE r.account_id = s.account_id)"
                " FROM credentials_second_factors s"
                " WHERE account_id = %s AND enabled_at IS NOT NULL",
                (caller.account_id,),
            ).fetchone()
        if row is None:
            return SecondFactorDto(enabled=False)
        return SecondFactorDto(enabled=True, enabled_at=row[0], recovery_codes_left=row[1])

    def is_on(self, account_id: str) -> bool:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT 1 FROM credentials_second_factors"
                " WHERE account_id = %s AND enabled_at IS NOT NULL",
                (account_id,),
            ).fetchone()
        return row is not None

    def begin(self, caller: Caller) -> SecondFactorSetup:
        """A new seed; it counts once a code of it was shown.

        Raises PasswordNeeded and SecondFactorOn (409).
        """
        self._logins.need_password(caller.account_id)
        seed = secrets.token_bytes(20)
        with self._pool.connection() as connection:
            begun = connection.execute(
                "INSERT INTO credentials_second_factors AS s (account_id, sealed_seed)"
                " VALUES (%s, %s) ON CONFLICT (account_id) DO UPDATE"
                " SET sealed_seed = excluded.sealed_seed, created_at = now()"
                " WHERE s.enabled_at IS NULL",
                (caller.account_id, self._sealed(caller.account_id, seed)),
            )
        if not begun.rowcount:
            raise SecondFactorOn
        return _setup(seed, address_of(self._commands, caller.account_id) or caller.account_id)

    def confirm(self, caller: Caller, code: str) -> tuple[RecoveryCodes, Committed]:
        """The device shows right codes: from now on they are asked for.

        Raises WrongCode (401), SecondFactorOn and SecondFactorOff (409), TooManyGuesses (429).
        """
        account_id = AccountId(caller.account_id)
        seed, _ = self._seed(account_id, enabled=False)
        self._backoff.attempt(CODE_PATIENCE, account_id)
        step = self._step_of(seed, code)
        if step is None:
            raise WrongCode
        self._backoff.succeeded(CODE_PATIENCE, account_id)
        unit = self._commands.unit(
            command_context(caller, "POST /api/me/second-factor/confirm", None),
            input={"account_id": account_id},
        )
        unit.change(account, account_id, account.enable_second_factor)
        unit.alongside(
            "UPDATE credentials_second_factors SET enabled_at = now(), last_step = %s"
            " WHERE account_id = %s",
            (step, account_id),
        )
        codes, committed = self._replace_codes(unit, account_id), unit.commit()
        security_log.note("factor", "changed", account_id=account_id, reason="enabled")
        return RecoveryCodes(codes=codes), committed

    def disable(self, caller: Caller) -> Committed:
        """Raises SecondFactorOff (409)."""
        account_id = AccountId(caller.account_id)
        unit = self._commands.unit(
            command_context(caller, "DELETE /api/me/second-factor", None),
            input={"account_id": account_id},
        )
        unit.change(account, account_id, account.disable_second_factor)
        for table in ("credentials_second_factors", "credentials_recovery_codes"):
            unit.alongside(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))
        committed = unit.commit()
        security_log.note("factor", "changed", account_id=account_id, reason="disabled")
        return committed

    def new_codes(self, caller: Caller) -> tuple[RecoveryCodes, Committed]:
        """Raises SecondFactorOff (409)."""
        account_id = AccountId(caller.account_id)
        unit = self._commands.unit(
            command_context(caller, "POST /api/me/second-factor/recovery-codes", None),
            input={"account_id": account_id},
        )
        unit.change(account, account_id, account.replace_recovery_codes)
        return RecoveryCodes(codes=self._replace_codes(unit, account_id)), unit.commit()

    def accept(self, account_id: str, code: str) -> None:
        """Use a code up: of the device, or a recovery code. Raises WrongCode, TooManyGuesses."""
        self._backoff.attempt(CODE_PATIENCE, account_id)
        if not (self._use_code(account_id, code) or self._use_recovery(account_id, code)):
            raise WrongCode
        self._backoff.succeeded(CODE_PATIENCE, account_id)

    def accept_of_owner(self, account_id: str, code: str) -> None:
        """The same of somebody who is signed in. Raises SecondFactorOff (409) too."""
        if not self.is_on(account_id):
            raise SecondFactorOff
        self.accept(account_id, code)

    def _use_code(self, account_id: str, code: str) -> bool:
        try:
            seed, last_step = self._seed(account_id, enabled=True)
        except SecondFactorOff:
            return False
        step = self._step_of(seed, code, after=last_step)
        if step is None:
            return False
        with self._pool.connection() as connection:
            # The condition lets only one of two requests with the same code win.
            used = connection.execute(
                "UPDATE credentials_second_factors SET last_step = %s"
                " WHERE account_id = %s AND last_step < %s",
                (step, account_id, step),
            )
        return used.rowcount == 1

    def _use_recovery(self, account_id: str, code: str) -> bool:
        with self._pool.connection() as connection:
            used = connection.execute(
                "DELETE FROM credentials_recovery_codes"
                " WHERE account_id = %s AND code_hash = ANY(%s)",
                (account_id, self._hashes(account_id, code)),
            )
        if used.rowcount != 1:
            return False
        # A separate append is enough: the deleted row decides between two who use it at once.
        self._say_used(AccountId(account_id))
        return True

    def _say_used(self, account_id: AccountId) -> None:
        login = self._logins.of_account(account_id)
        if login is None:
            return
        context = CommandContext(account_id, login.workspace_id, CommandId.new(), correlation_id())
        unit = self._commands.unit(context, input={"account_id": account_id})
        unit.change(account, account_id, account.use_recovery_code)
        unit.commit()

    def _step_of(self, seed: bytes, code: str, after: int = 0) -> int | None:
        """The time step that shows this code now or a step from now; None for a wrong code."""
        totp, given = pyotp.TOTP(_base32(seed)), code.replace(" ", "")
        now_step = int(self._now()) // STEP_S
        for step in range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1):
            fits = hmac.compare_digest(totp.generate_otp(step).encode(), given.encode())
            if fits and step > after:
                return step
        return None

    def _replace_codes(self, unit: Unit, account_id: str) -> list[str]:
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        unit.alongside(
            "DELETE FROM credentials_recovery_codes WHERE account_id = %s", (account_id,)
        )
        for code in codes:
            unit.alongside(
                "INSERT INTO credentials_recovery_codes (account_id, code_hash) VALUES (%s, %s)",
                (account_id, self._hashes(account_id, code)[0]),
            )
        return codes

    def _hashes(self, account_id: str, code: str) -> list[bytes]:
        """The newest first: codes on paper outlive an exchange of the signing key."""
        plain = code.upper().replace("-", "").replace(" ", "")
        tags = self._signer.tags_of_any_age("recovery-code", f"{account_id}\x1f{plain}")
        return [tag.encode() for tag in tags]

    def _seed(self, account_id: str, *, enabled: bool) -> tuple[bytes, int]:
        """(seed, last step). Raises SecondFactorOff, SecondFactorOn when it is the other way."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT sealed_seed, last_step, enabled_at IS NOT NULL"
                " FROM credentials_second_factors WHERE account_id = %s",
                (account_id,),
            ).fetchone()
        if row is None or (enabled and not row[2]):
            raise SecondFactorOff
        if row[2] and not enabled:
            raise SecondFactorOn
        sealed = bytes(row[0])
        key = self._commands.codec.keys.obtain(account_id)
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], _aad(account_id)), row[1]

    def _sealed(self, account_id: str, seed: bytes) -> bytes:
        nonce, key = os.urandom(12), self._commands.codec.keys.obtain(account_id)
        return nonce + AESGCM(key).encrypt(nonce, seed, _aad(account_id))


def _aad(account_id: str) -> bytes:
    return f"{account_id}\x1fsecond factor".encode()


def _base32(seed: bytes) -> str:
    return base64.b32encode(seed).decode()


def _setup(seed: bytes, label: str) -> SecondFactorSetup:
    secret = _base32(seed)
    uri = pyotp.TOTP(secret).provisioning_uri(name=label, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=4, border=2, nl=False, omitsize=True
    )
    return SecondFactorSetup(secret=secret, uri=uri, qr_svg=drawn.getvalue().decode())


def _recovery_code() -> str:
    """12 of 32 letters, 60 bits, in three groups: `K7QM-2XWD-9HTC`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"
