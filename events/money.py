"""Intents that move somebody's money, and the claim that ends them."""

from __future__ import annotations

from pydantic import BaseModel

from events.claims import Claim
from events.ids import PersonId


class MovesMoney(BaseModel):
    """The field of every event that wants money of a person moved: charged, or paid out to them.

    It is refused once their erasure was asked for, and the erasure waits for its outcome. What only
    gives back to where it came from needs nothing of the person, and is no such event: it must be
    possible for ever.
    """

    money_of: PersonId


def no_more_money_of(subject_id: PersonId) -> Claim:
    """Held by an erasure from its first event on: it ends what `MovesMoney`."""
    return Claim("person-moves-no-money", subject_id, scope="global")
