"""Earlier versions of the account's events, as they lie in logs, and how each becomes the next one.

Nothing writes them any more. What they say in plain stays plain: a hashed event is not rewritten.
"""

from __future__ import annotations

from typing import Any

from events.ids import AccountId, KeyId
from events.model import REGISTRY, Event


class KeyIssuedV1(Event, type="key.issued", version=1):
    """With the name in plain that its owner gave it."""

    key_id: KeyId
    account_id: AccountId
    name: str
    scopes: tuple[str, ...]
    hint: str


@REGISTRY.upcast("key.issued", 1)
def now_personal(data: dict[str, Any]) -> dict[str, Any]:
    """The same fields; what was plain is read as it is."""
    return data
