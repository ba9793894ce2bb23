"""A world that sells one seat: whoever meets its lapsed hold lets go of it, in any order."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from commands.forwarding import Handlers
from commands.outcomes import keep
from commands.unit import CommandContext
from events.envelope import Envelope
from events.ids import AccountId, CommandId, CorrelationId
from processors.consumers.consumer import Consumer
from sagas.saga import Saga
from tests import ticketing
from tests.ticketing import (
    SEAT,
    TICKETING,
    ChargeAnswered,
    ChargeRequested,
    RefundOwed,
    TicketExpired,
    TicketHeld,
    TicketId,
    TicketSold,
    ticket,
)
from tests.unit.simulator.memory import MOMENT
from tests.unit.simulator.world import FAULTS, World

HOLDER, TAKER, RIVAL = (TicketId.derived("selling", name) for name in ("a", "b", "c"))
WHOSE = AccountId.derived("selling")
# In the first row what races; in the second what lets it go on.
ACTIONS = ("lapse", "pay", "take", "rival", "fire", "read")
# The longest story needs about ten.
ENOUGH = 40


class Selling(World):
    """The holder has the seat; its payment is under way."""

    def __init__(self) -> None:
        super().__init__("selling")
        self.take(HOLDER)

    def make_sagas(self) -> Mapping[str, Saga]:
        return {"ticketing": TICKETING}

    def make_handlers(self) -> Handlers:
        return ticketing.HANDLERS

    def make_views(self) -> list[Consumer]:
        return []

    # --- actions, each of which may be struck by a fault or overtaken by the next ----------------

    def run(self, actions: Sequence[str], chance: random.Random) -> None:
        if not actions:
            return
        going_on = [lambda: self.run(actions[1:], chance)]
        self.store.fault = chance.choice(FAULTS)
        self.store.overtaking = (lambda: going_on.pop()()) if chance.getrandbits(1) else None
        self.act(actions[0], 0, 0)
        for go_on in going_on:
            go_on()

    def do_lapse(self, x: int, y: int) -> None:
        self.wait_until(ticketing.HELD_FOR.total_seconds())

    def do_pay(self, x: int, y: int) -> None:
        """The gateway answers whatever it was asked, again and again."""
        for intent in list(self.store.log):
            asked = self.codec.events[intent.event_id]
            if isinstance(asked, ChargeRequested):
                self.answered(intent, asked)

    def answered(self, intent: Envelope, asked: ChargeRequested) -> None:
        context = CommandContext(
            actor=None,
            tenant=self.workspace,
            command_id=CommandId.derived("charge", intent.event_id),
            correlation_id=intent.correlation_id,
            causation_id=intent.event_id,
        )
        unit = self.unit(context, input=None)
        answer = ChargeAnswered(intent_id=intent.event_id, ticket_id=asked.ticket_id, paid=True)
        keep(unit, "charge", intent.event_id, answer)
        unit.commit()

    def do_take(self, x: int, y: int) -> None:
        self.take(TAKER)

    def do_rival(self, x: int, y: int) -> None:
        self.take(RIVAL)

    def take(self, ticket_id: TicketId) -> None:
        context = CommandContext(
            *(self.operator, self.workspace),
            *(CommandId.derived(ticket_id), CorrelationId.derived(ticket_id)),
        )
        unit = self.unit(context, input=None)
        unit.take_over(SEAT, TicketId, ticket, ticket.expire, now=unit.now)
        unit.start(ticket, ticket_id, ticket.hold_seat, buyer_id=WHOSE, seat="A1", now=unit.now)
        assert unit.commit().stream_id == ticket_id

    def do_fire(self, x: int, y: int) -> None:
        """What is due by now, and what was asked for because of it."""
        while self.timers.fire_one() or self.dispatcher.send_one():
            pass

    def do_read(self, x: int, y: int) -> None:
        """All that there is to read, and what was asked for because of it."""
        overtaking, self.store.overtaking = self.store.overtaking, None
        self.enter(self.workers[0][0])
        while self.do_deliver(44, 6):
            pass
        self.store.overtaking = overtaking
        while self.dispatcher.send_one():
            pass

    def come_to_an_end(self) -> None:
        """Everybody is patient, and asks again for what they do not know the answer to."""
        for _ in range(ENOUGH):
            for action in ("read", "pay", "read", "fire"):
                self.act(action, 0, 0)
            if not self.going():
                return
            due = [due_s for _, due_s in self.store.timers.values()]
            due += [due_s for _, due_s, _, _ in self.store.commands.values()]
            self.wait_until(min(due))
        raise AssertionError(f"{self.going()} never end")

    # --- what must hold -------------------------------------------------------------------------

    def check(self) -> None:
        holder: str | None = None
        until = MOMENT
        told: dict[str, list[type]] = {}
        for envelope in self.store.log:
            event: Any = self.codec.events[envelope.event_id]
            if envelope.category != "ticket":
                continue
            told.setdefault(event.ticket_id, []).append(type(event))
            match event:
                case TicketHeld():
                    assert holder is None, "the seat was taken from who held it"
                    holder = event.ticket_id
                    until = event.until
                case TicketExpired():
                    assert event.met_at >= until, "the seat was let go before its hold had lapsed"
                    assert holder == event.ticket_id, "a seat was let go by who did not hold it"
                    holder = None
                case TicketSold():
                    assert holder == event.ticket_id, "a seat was sold that was not held"
        for ticket_id, story in told.items():
            assert story[:2] == [TicketHeld, ChargeRequested]
            assert story[2:] in ([TicketSold], [TicketExpired, RefundOwed]), (ticket_id, story)
        assert self.store.claims.get((SEAT, self.workspace, "A1")) == holder
        assert not self.store.commands
        assert not self.store.timers

    def let_go_by(self) -> str | None:
        """Who let the first hold go: its `timer`, its late `payment`, or a `taker`."""
        for envelope in self.store.log:
            if isinstance(self.codec.events[envelope.event_id], TicketExpired):
                together = [e for e in self.store.log if e.command_id == envelope.command_id]
                others = {type(self.codec.events[e.event_id]) for e in together}
                if TicketHeld in others:
                    return "taker"
                return "payment" if RefundOwed in others else "timer"
        return None
