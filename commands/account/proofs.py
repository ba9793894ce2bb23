"""Proving anew who one is: by password, by a code of the second factor, or by a passkey.

A proof belongs to the session or key that gave it, for five minutes. Signing in is one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg_pool import ConnectionPool
from pydantic import BaseModel, ConfigDict, SecretStr

from commands.account.logins import Logins, PasswordNeeded
from commands.account.passwords import GivenPassword, Passwords
from commands.account.second_factor import GivenCode, SecondFactors
from commands.account.sessions import WrongCredentials
from events.errors import NoCultureError
from kit.backoff import Backoff, Patience
from kit.caller import Caller, Proof
from kit.proof import PROOF_LIFE_S, ProofNeeded

# As generous as the sign-in is. Counted for itself: nobody outside can make the owner wait here.
PROOF_PATIENCE = Patience("proof", free=10, cap_s=300)


class GivenProof(BaseModel):
    """Either, or both at once: after signing in within the last five minutes neither is needed.

    With a second factor, what changes how one signs in needs both. `code` is of the device, or a
    recovery code.
    """

    model_config = ConfigDict(extra="forbid")

    password: GivenPassword | None = None
    code: GivenCode | None = None


# A request may come without a body.
NOT_GIVEN = GivenProof()


class NothingGiven(NoCultureError):
    status, code = 422, "nothing-given"

    def __init__(self) -> None:
        super().__init__("The proof is missing: send `password` or `code`")


class Proofs:
    def __init__(
        self,
        pool: ConnectionPool,
        logins: Logins,
        passwords: Passwords,
        factors: SecondFactors,
        backoff: Backoff,
    ) -> None:
        self._pool, self._logins, self._passwords = pool, logins, passwords
        self._factors, self._backoff = factors, backoff

    def demand(
        self, caller: Caller, needs: Proof = Proof.ONE, given: GivenProof = NOT_GIVEN
    ) -> None:
        """A fresh proof, or one that comes with the request: what is given must be right.

        Raises ProofNeeded (403), WrongCredentials and WrongCode (401), PasswordNeeded and
        SecondFactorOff (409), TooManyGuesses (429).
        """
        proof = caller.proof
        if given != NOT_GIVEN:
            proof = max(proof, self.give(caller, given))
        if proof < needs:
            raise self.refusal(caller, needs)

    def give(self, caller: Caller, given: GivenProof) -> Proof:
        """Check what is given and note it for the caller's session or key.

        Both count for more than one only together, in one request. Raises as `demand` does, and
        NothingGiven (422).
        """
        password, code = given.password, given.code
        if password is None and code is None:
            raise NothingGiven
        if password is not None:
            self._check(caller, password)
        if code is not None:
            self._factors.accept_of_owner(caller.account_id, code.get_secret_value())
        whole = password is not None and (
            code is not None or not self._factors.is_on(caller.account_id)
        )
        proof = Proof.ALL if whole else Proof.ONE
        self.note(caller, proof)
        return proof

    def note(self, caller: Caller, proof: Proof) -> None:
        """From now on, for five minutes, the session or key is proven so well."""
        table, column, value = (
            ("credentials_keys", "key_id", caller.key_id)
            if caller.key_id is not None
            else ("credentials_sessions", "session_id", caller.session_id)
        )
        fully = ", fully_proven_at = now()" if proof is Proof.ALL else ""
        with self._pool.connection() as connection:
            connection.execute(
                f"UPDATE {table} SET proven_at = now(){fully} WHERE {column} = %s", (value,)
            )

    def refusal(self, caller: Caller, needs: Proof) -> ProofNeeded:
        return ProofNeeded(self.ways(caller, needs))

    def ways(self, caller: Caller, needs: Proof) -> tuple[str, ...]:
        """Lists the ways in which the account can prove itself, each enough by itself."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT password_hash IS NOT NULL,"
                " EXISTS (SELECT 1 FROM credentials_second_factors f"
                " WHERE f.account_id = l.account_id AND f.enabled_at IS NOT NULL),"
                " EXISTS (SELECT 1 FROM credentials_passkeys p WHERE p.account_id = l.account_id)"
                " FROM credentials_logins l WHERE account_id = %s",
                (caller.account_id,),
            ).fetchone()
        password, code, passkey = row or (False, False, False)
        ways = ["passkey"] if passkey else []
        if needs is Proof.ALL and code:
            ways += ["password and code"] if password else []
        else:
            ways += ["password"] if password else []
            ways += ["code"] if code else []
        return tuple(ways) or ("password-reset",)

    def has_second_factor(self, account_id: str) -> bool:
        return self._factors.is_on(account_id)

    def _check(self, caller: Caller, password: SecretStr) -> None:
        login = self._logins.of_account(caller.account_id)
        if login is None:
            raise WrongCredentials
        if login.password_hash is None:
            raise PasswordNeeded
        self._backoff.attempt(PROOF_PATIENCE, login.account_id)
        if not self._passwords.fits(password.get_secret_value(), login.password_hash):
            raise WrongCredentials
        self._backoff.succeeded(PROOF_PATIENCE, login.account_id)


def proven_until() -> datetime:
    """Until when a proof counts that is given now."""
    return datetime.now(UTC) + timedelta(seconds=PROOF_LIFE_S)
