"""Intents that move somebody's money, and the claim that ends them."""

from __future__ import annotations

from pydantic import BaseModel

from events.claims import Claim
from events.ids import AccountId


class MovesMoney(BaseModel):
    """The field of every event that wants money of a person moved: charged, or paid out to them.

    It is refused once their erasure was asked for, and the erasure waits for its outcome. What only
    gives back to where it came from needs nothing of the person, and is no such event: it must be
    possible for ever.
    """

    money_of: AccountId


def no_more_money_of(account_id: AccountId) -> Claim:
    """Held by an erasure from its first event on: it ends what `MovesMoney`."""
    return Claim("account-moves-no-money", account_id, scope="global")
