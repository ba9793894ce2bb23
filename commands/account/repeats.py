"""Secrets of commands with an Idempotency-Key: a replay must hold the same ones.

The log's input hash leaves secrets out, for the log is for ever and passwords can be guessed. So
what a command's secrets were lies beside the credentials: an HMAC under the installation's key,
hashed as slowly as a password, and gone with the account.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator

from psycopg_pool import ConnectionPool
from pydantic import BaseModel, SecretStr

from commands.account.passwords import Passwords
from commands.unit import Unit
from events.store.pending import Committed, InputMismatch


class Repeats:
    def __init__(self, pool: ConnectionPool, passwords: Passwords, installation_key: bytes) -> None:
        self._pool, self._passwords, self._key = pool, passwords, installation_key

    def answered(self, unit: Unit, command: BaseModel) -> Committed | None:
        """The first answer, if the caller sent this command before. Raises InputMismatch (422)."""
        first = unit.once()
        return None if first is None else self.same(first, unit, command)

    def same(self, committed: Committed, unit: Unit, command: BaseModel) -> Committed:
        """`committed`, if it is no replay with other secrets. Raises InputMismatch (422)."""
        if not committed.replayed:
            return committed
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT secret_hash FROM credentials_repeats WHERE command_id = %s",
                (unit.context.command_id,),
            ).fetchone()
        if row is None or not self._passwords.fits(self._digest(unit, command), row[0]):
            raise InputMismatch
        return committed

    def keep(self, unit: Unit, account_id: str, command: BaseModel) -> None:
        """Write them down in the unit's own transaction, once the account is there."""
        unit.alongside(
            "INSERT INTO credentials_repeats (command_id, account_id, secret_hash)"
            " SELECT %s, account_id, %s FROM credentials_logins WHERE account_id = %s"
            " ON CONFLICT DO NOTHING",
            (
                unit.context.command_id,
                self._passwords.seal(self._digest(unit, command)),
                account_id,
            ),
        )

    def _digest(self, unit: Unit, command: BaseModel) -> str:
        told = json.dumps([unit.context.command_id, *secrets_of(command)])
        return hmac.digest(self._key, f"repeat\x1f{told}".encode(), "sha256").hex()


def secrets_of(command: BaseModel) -> Iterator[tuple[str, str]]:
    """(name, secret) of each secret field that is filled in."""
    for name in type(command).model_fields:
        value = getattr(command, name)
        if isinstance(value, SecretStr):
            yield name, value.get_secret_value()
        elif isinstance(value, BaseModel):
            for inner, secret in secrets_of(value):
                yield f"{name}.{inner}", secret
