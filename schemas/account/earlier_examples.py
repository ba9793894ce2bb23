"""Examples of earlier versions of the account's events."""

from __future__ import annotations

from events.account.earlier import KeyIssuedV1
from events.model import Event
from schemas.account.examples import KEY
from schemas.examples import ACCOUNT

EXAMPLES: tuple[Event, ...] = (
    KeyIssuedV1(
        key_id=KEY,
        account_id=ACCOUNT,
        name="studio script",
        scopes=("assets:read", "assets:write"),
        hint="k3Qz",
    ),
)
