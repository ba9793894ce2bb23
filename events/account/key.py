"""API keys: how programs act for an account.

The key itself is shown once and stored only as a hash.
"""

from __future__ import annotations

from events.ids import AccountId, KeyId
from events.model import Event, Personal


class KeyIssued(Event, type="key.issued", version=2, subject="account_id"):
    """A program got a key with these scopes; `hint` is its last four characters."""

    key_id: KeyId
    account_id: AccountId
    name: Personal[str]
    scopes: tuple[str, ...]
    hint: str


class KeyRevoked(Event, type="key.revoked", version=1):
    """The key stopped working at once; `with_password` when its owner changed the password too."""

    key_id: KeyId
    with_password: bool = False
