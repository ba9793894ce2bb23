"""Links that set a new password.

An effect makes the link while it sends the mail, so that a token is nowhere but in the mail: not in
an event, and in the database only as a hash.
"""

from __future__ import annotations

from datetime import timedelta

from psycopg_pool import ConnectionPool

from commands.account.addresses import address_of
from commands.unit import Commands
from kit.tokens import random_token, token_hash

RESET_LIFE = timedelta(hours=1)


class ResetLinks:
    """For the effect that sends the mail."""

    def __init__(self, commands: Commands, pool: ConnectionPool) -> None:
        self._commands, self._pool = commands, pool

    def make(self, account_id: str) -> tuple[str, str] | None:
        """(address, token): an earlier link stops working. None when the account is closed."""
        address, token = address_of(self._commands, account_id), random_token()
        if address is None:
            return None
        with self._pool.connection() as connection:
            made = connection.execute(
                "INSERT INTO credentials_resets (account_id, token_hash, expires_at)"
                " SELECT account_id, %s, now() + %s FROM credentials_logins WHERE account_id = %s"
                " ON CONFLICT (account_id) DO UPDATE"
                " SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
                (token_hash(token), RESET_LIFE, account_id),
            )
        return (address, token) if made.rowcount else None
