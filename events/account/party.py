"""Parties: people without an account. Each is known by an address, and may ask to be forgotten."""

from __future__ import annotations

from events.ids import ErasureId, PartyId
from events.model import Event, Personal


class PartyKnown(Event, type="party.known", version=1, subject="party_id"):
    """Somebody is named here for the first time, by the address; they have done nothing for it."""

    party_id: PartyId
    email: Personal[str]


class PartyErasureLinkRequested(Event, type="party.erasure_link_requested", version=1):
    """Somebody who knows the address wants the party forgotten; a link goes to the address."""

    party_id: PartyId


class PartyErasureRequested(Event, type="party.erasure_requested", version=1):
    """The party wants to be forgotten: the address is free, and may be named as somebody new."""

    party_id: PartyId
    erasure_id: ErasureId


class PartyErased(Event, type="party.erased", version=1):
    """Nothing of the party is left here; what other streams say of them cannot be read."""

    party_id: PartyId
    erasure_id: ErasureId
