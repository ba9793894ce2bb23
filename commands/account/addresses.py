"""The e-mail address of a person, and the name of an account: only their first event has them,
encrypted.
"""

from __future__ import annotations

from commands.unit import Commands
from events.account.account import AccountRegistered
from events.account.party import PartyKnown
from events.model import Event


def address_of(commands: Commands, person_id: str) -> str | None:
    """The address of an account or a party; None once it was erased."""
    match _first(commands, person_id):
        case AccountRegistered(email=email) | PartyKnown(email=email):
            return email
        case _:
            return None


def address_and_name_of(commands: Commands, account_id: str) -> tuple[str | None, str | None]:
    """Both None once their owner was erased."""
    first = _first(commands, account_id)
    return (first.email, first.name) if isinstance(first, AccountRegistered) else (None, None)


def _first(commands: Commands, stream_id: str) -> Event | None:
    first = commands.log.events.stream(stream_id, limit=1)
    recorded = commands.codec.decode(first[0]) if first else None
    return recorded.data if recorded else None
