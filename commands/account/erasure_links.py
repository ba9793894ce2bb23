"""Links by which somebody without an account is forgotten.

An effect makes the link while it sends the mail, so that a token is nowhere but in the mail, as for
a forgotten password (`reset_links.py`).
"""

from __future__ import annotations

from datetime import timedelta

from aggregates.account import party
from commands.account.addresses import address_of
from commands.unit import Commands
from kit.tokens import random_token, token_hash

LINK_LIFE = timedelta(hours=24)


class ErasureLinks:
    """For the effect that sends the mail."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def make(self, party_id: str) -> tuple[str, str] | None:
        """(address, token): an earlier link stops working. None of one who was erased."""
        address, token = address_of(self._commands, party_id), random_token()
        state = self._commands.load(party, party_id, fresh=True).state
        if address is None or state is None or state.erasure_id is not None:
            return None
        with self._commands.pool.connection() as connection:
            connection.execute(
                "INSERT INTO credentials_erasure_links (party_id, token_hash, expires_at)"
                " VALUES (%s, %s, now() + %s) ON CONFLICT (party_id) DO UPDATE"
                " SET token_hash = excluded.token_hash, expires_at = excluded.expires_at",
                (party_id, token_hash(token), LINK_LIFE),
            )
        return address, token
