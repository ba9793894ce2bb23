"""The e-mail address and name of an account: only its first event has them, encrypted."""

from __future__ import annotations

from commands.unit import Commands
from events.account.account import AccountRegistered


def address_of(commands: Commands, account_id: str) -> str | None:
    """None once its owner was erased."""
    return address_and_name_of(commands, account_id)[0]


def address_and_name_of(commands: Commands, account_id: str) -> tuple[str | None, str | None]:
    """Both None once their owner was erased."""
    first = commands.log.events.stream(account_id, limit=1)
    recorded = commands.codec.decode(first[0]) if first else None
    if recorded is None or not isinstance(recorded.data, AccountRegistered):
        return None, None
    return recorded.data.email, recorded.data.name
