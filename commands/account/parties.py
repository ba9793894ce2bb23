"""Knowing people without an account: one party for each address, in the house workspace."""

from __future__ import annotations

from aggregates.account import party
from commands.account.logins import Logins
from commands.house import house_of
from commands.unit import CommandContext, Commands
from events.ids import CommandId, CorrelationId, PartyId
from events.store.pending import ClaimTaken


class Parties:
    def __init__(self, commands: Commands, logins: Logins) -> None:
        self._commands, self._logins = commands, logins

    def know(self, email: str, correlation_id: CorrelationId) -> PartyId:
        """The party with this address, known from now on. Raises ValueError for no address."""
        email_key = self._logins.email_key(email)
        if known := self.with_key(email_key):
            return known
        unit = self._commands.unit(self.context(correlation_id), input={"email_key": email_key})
        party_id = PartyId.new()
        unit.start(party, party_id, party.know, email=email.strip(), email_key=email_key)
        try:
            unit.commit()
        except ClaimTaken as taken:
            # Somebody else was faster to know them.
            return PartyId(taken.holder)
        return party_id

    def with_key(self, email_key: str) -> PartyId | None:
        """`email_key` is the address' HMAC."""
        with self._commands.pool.connection() as connection:
            row = connection.execute(
                "SELECT stream_id FROM claims"
                " WHERE kind = %s AND scope = '' AND key = %s AND during IS NULL",
                (party.ADDRESS_CLAIM, email_key),
            ).fetchone()
        return None if row is None else PartyId(row[0])

    def context(
        self, correlation_id: CorrelationId, command_id: CommandId | None = None
    ) -> CommandContext:
        """The house's, and without an actor: no account is behind it."""
        house = house_of(self._commands.log)
        return CommandContext(None, house, command_id or CommandId.new(), correlation_id)
