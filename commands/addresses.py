"""The e-mail address of an account: only its first event has it, encrypted."""

from __future__ import annotations

from commands.unit import Commands
from events.account import AccountRegistered


def address_of(commands: Commands, account_id: str) -> str | None:
    """None once its owner was erased."""
    first = commands.log.events.stream(account_id, limit=1)
    recorded = commands.codec.decode(first[0]) if first else None
    if recorded is None or not isinstance(recorded.data, AccountRegistered):
        return None
    return recorded.data.email
