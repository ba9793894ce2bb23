"""A specimen of what the product does not sell yet: a seat that is held while it is paid for.

A ticket holds its seat for a quarter of an hour. The payment is an effect whose answer is kept; the
saga counts down, and what a payment that comes too late means is decided when it is read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from aggregates.decision import Decision
from aggregates.errors import AlreadyExists, NotFound
from aggregates.hold import Hold
from aggregates.hold import expire as expire_hold
from commands.command import Command
from commands.forwarding import Handler
from commands.unit import Unit
from events.claims import Claim
from events.envelope import Recorded
from events.ids import Id, PersonId
from events.model import REGISTRY, Event, Registry
from events.money import MovesMoney
from events.outcome import Outcome
from events.saga_step import SagaStep
from processors.effects.effect import Effect
from sagas.saga import (
    Ended,
    Happened,
    Input,
    Refused,
    Saga,
    Step,
    Timer,
    TimerFired,
    never_ended_by_hand,
)

# The product's own registry, of which so much is published, knows nothing of these.
MODELS = Registry()
STORED_AS = "tests.ticket"
SEAT = "specimen-seat"
HELD_FOR = timedelta(minutes=15)


class TicketId(Id, prefix="xtk"):
    """One seat for one evening."""


class TicketingId(Id, prefix="xtg"):
    """One run of the saga, one to one with its ticket."""


with patch("events.model.REGISTRY", MODELS):

    class TicketHeld(Event, type="ticket.held", version=1):
        """The seat waits for its payment until then."""

        ticket_id: TicketId
        buyer_id: PersonId
        seat: str
        until: datetime

    class ChargeRequested(Event, MovesMoney, type="ticket.charge_requested", version=1):
        """The gateway is to take the money."""

        ticket_id: TicketId

    class TicketCancelled(Event, type="ticket.cancelled", version=1):
        ticket_id: TicketId

    class TicketExpired(Event, type="ticket.expired", version=1):
        """Somebody met its hold then, and it had lapsed."""

        ticket_id: TicketId
        met_at: datetime

    class TicketSold(Event, type="ticket.sold", version=1):
        ticket_id: TicketId

    class RefundOwed(Event, type="ticket.refund_owed", version=1):
        """It was paid when the seat was not held any more."""

        ticket_id: TicketId

    class ChargeAnswered(Event, Outcome, type="charge.answered", version=1):
        ticket_id: TicketId
        paid: bool

    class TicketingStepped(Event, SagaStep, type="ticketing.stepped", version=1):
        """The saga took one step."""


def make_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the codec of one test, beside the product's own."""
    for model in MODELS.all():
        monkeypatch.setitem(REGISTRY._models, (model.type, model.version), model)
        monkeypatch.setitem(REGISTRY._newest, model.type, model.version)


# --- rules --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ticket:
    """`hold` is there as long as it waits for its payment."""

    hold: Hold | None
    settled: bool = False


def hold_seat(
    nothing: Ticket | None,
    ticket_id: TicketId,
    *,
    buyer_id: PersonId,
    seat: str,
    now: datetime,
) -> Decision:
    if nothing is not None:
        raise AlreadyExists("The ticket")
    until = now + HELD_FOR
    return Decision(
        TicketHeld(ticket_id=ticket_id, buyer_id=buyer_id, seat=seat, until=until),
        ChargeRequested(ticket_id=ticket_id, money_of=buyer_id),
        takes=(Claim(SEAT, seat),),
    )


def cancel(ticket: Ticket | None, ticket_id: TicketId) -> Decision:
    hold = _existing(ticket).hold
    if hold is None:
        return Decision()
    return Decision(TicketCancelled(ticket_id=ticket_id), releases=hold.claims)


def expire(ticket: Ticket | None, ticket_id: TicketId, *, now: datetime) -> Decision:
    return expire_hold(_existing(ticket).hold, now, TicketExpired(ticket_id=ticket_id, met_at=now))


def settle(ticket: Ticket | None, ticket_id: TicketId, *, paid: bool, now: datetime) -> Decision:
    """Says what the gateway's answer means by now."""
    ticket = _existing(ticket)
    if ticket.settled or not paid:
        return Decision() if ticket.settled else cancel(ticket, ticket_id)
    if ticket.hold is not None and not ticket.hold.lapsed(now):
        return Decision(TicketSold(ticket_id=ticket_id))
    expired = expire(ticket, ticket_id, now=now)
    return Decision(*expired.events, RefundOwed(ticket_id=ticket_id), releases=expired.releases)


def evolve(ticket: Ticket | None, event: Event) -> Ticket | None:
    match event:
        case TicketHeld():
            return Ticket(Hold((Claim(SEAT, event.seat),), event.until))
        case _ if ticket is None:
            return None
        case TicketCancelled() | TicketExpired():
            return replace(ticket, hold=None)
        case TicketSold() | RefundOwed():
            return replace(ticket, hold=None, settled=True)
        case _:
            return ticket


def _existing(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise NotFound("The ticket")
    return ticket


# --- commands -----------------------------------------------------------------------------------

ticket: Any = sys.modules[__name__]


class ExpireTicket(Command, name="ExpireTicket"):
    ticket_id: TicketId


class SettleTicket(Command, name="SettleTicket"):
    ticket_id: TicketId
    paid: bool


def expire_ticket(unit: Unit, command: ExpireTicket) -> None:
    unit.change(ticket, command.ticket_id, expire, now=unit.now)


def settle_ticket(unit: Unit, command: SettleTicket) -> None:
    unit.change(ticket, command.ticket_id, settle, paid=command.paid, now=unit.now)


HANDLERS: Mapping[str, tuple[type[Command], Handler]] = {
    "ExpireTicket": (ExpireTicket, expire_ticket),
    "SettleTicket": (SettleTicket, settle_ticket),
}


# --- saga ---------------------------------------------------------------------------------------

LAPSE, AGAIN = Timer("lapse", after=HELD_FOR), Timer("lapse", after=timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Paying:
    """The gateway has not answered yet, or its answer is on its way to the ticket."""

    ticket_id: str


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case Ended(), _:
            return None
        case None, Happened(TicketHeld(ticket_id=ticket_id)):
            return Step(Paying(ticket_id), wait=(LAPSE,))
        # In another stream than the ticket: it may be read before the ticket is.
        case _, Happened(ChargeAnswered(ticket_id=ticket_id, paid=paid)):
            return Step(
                Paying(ticket_id) if paid else Ended("unpaid"),
                send=(SettleTicket(ticket_id=ticket_id, paid=paid),),
                wait=(LAPSE,) if paid else (),
            )
        case Paying(ticket_id), TimerFired("lapse"):
            return Step(state, send=(ExpireTicket(ticket_id=TicketId(ticket_id)),), wait=(AGAIN,))
        case Paying(), Refused():
            return Step(state, wait=(AGAIN,))
        case Paying(), Happened(TicketSold()):
            return Step(Ended("sold"))
        case Paying(), Happened(RefundOwed()):
            return Step(Ended("refunded"))
        case _:
            return None


TICKETING = Saga(
    name="ticketing",
    version=1,
    categories=("charge", "ticket"),
    stepped=TicketingStepped,
    states={"Paying": Paying},
    watches=(TicketHeld, ChargeAnswered, TicketSold, RefundOwed),
    stream_of=lambda event: TicketingId.beside(event.ticket_id),  # type: ignore[attr-defined]
    react=react,
    undo=never_ended_by_hand,
)


# --- effect -------------------------------------------------------------------------------------


@dataclass
class Gateway:
    """The world outside: the same key is the same charge. `behave` is what else happens."""

    pays: bool = True
    behave: Callable[[], None] = lambda: None
    asked: list[str] = field(default_factory=list)

    def charge(self, key: str) -> bool:
        self.asked.append(key)
        self.behave()
        return self.pays


class Charging(Effect):
    name = "charge"
    categories = ("ticket",)
    intents = (ChargeRequested,)
    outcomes = (ChargeAnswered,)
    moves_money = True
    max_attempts = 3

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, ChargeRequested)

    def perform(self, event: Recorded) -> Event:
        assert isinstance(event.data, ChargeRequested)
        paid = self._gateway.charge(event.event_id)
        return ChargeAnswered(intent_id=event.event_id, ticket_id=event.data.ticket_id, paid=paid)

    def give_up(self, event: Recorded, error: Exception) -> Event:
        """Never: the money may have been taken, so the gateway is asked ever more slowly."""
        raise error
