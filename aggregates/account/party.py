"""Rules of one party, a person without an account."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from events.account.party import (
    PartyErased,
    PartyErasureLinkRequested,
    PartyErasureRequested,
    PartyKnown,
)
from events.claims import Claim
from events.ids import ErasureId, PartyId
from events.model import Event

STORED_AS = "aggregates.party"
ADDRESS_CLAIM = "party-address"


@dataclass(frozen=True, slots=True)
class Party:
    """`erasure_id` once they have asked to be forgotten."""

    erasure_id: ErasureId | None = None
    erased: bool = False


def know(nothing: Party | None, party_id: PartyId, *, email: str, email_key: str) -> Decision:
    """Know somebody by an address; `email_key` is its HMAC. One who is known is a lost claim."""
    if nothing is not None:
        raise AlreadyExists("The party")
    claim = Claim(ADDRESS_CLAIM, email_key, scope="global")
    return Decision(PartyKnown(party_id=party_id, email=email), takes=(claim,))


def request_erasure_link(party: Party | None, party_id: PartyId) -> Decision:
    """Refuses NotFound (404) for somebody who has asked to be forgotten."""
    if party is None or party.erasure_id is not None:
        raise NotFound("The party")
    return Decision(PartyErasureLinkRequested(party_id=party_id))


def request_erasure(
    party: Party | None, party_id: PartyId, *, erasure_id: ErasureId, releases: tuple[Claim, ...]
) -> Decision:
    """`releases` is the claim of the address. Asking again changes nothing."""
    if party is None:
        raise NotFound("The party")
    if party.erasure_id is not None:
        return Decision()
    requested = PartyErasureRequested(party_id=party_id, erasure_id=erasure_id)
    return Decision(requested, releases=releases)


def erase(party: Party | None, party_id: PartyId, *, erasure_id: ErasureId) -> Decision:
    if party is None:
        raise NotFound("The party")
    if party.erased:
        return Decision()
    return Decision(PartyErased(party_id=party_id, erasure_id=erasure_id))


def evolve(party: Party | None, event: Event) -> Party | None:
    match event:
        case PartyKnown():
            return Party()
        case PartyErasureRequested() if party is not None:
            return replace(party, erasure_id=event.erasure_id)
        case PartyErased() if party is not None:
            return replace(party, erasure_id=event.erasure_id, erased=True)
        case _:
            return party
