"""A lapsed hold on the real store: release and taking are one append, of one taker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from psycopg_pool import ConnectionPool

from commands.lapsed import LapsedHolds
from commands.unit import CommandContext, Commands
from events.ids import AccountId, CommandId, CorrelationId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import ClaimTaken, Committed
from events.times import rfc3339
from tests import ticketing
from tests.ticketing import HELD_FOR, SEAT, TicketId, ticket

WORKSPACE, ACCOUNT = WorkspaceId.new(), AccountId.new()
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LATER = BEGIN + HELD_FOR
Take = Callable[[TicketId, datetime], Committed]


@pytest.fixture
def take(
    log: PostgresLog, pool: ConnectionPool, codec: EventCodec, monkeypatch: pytest.MonkeyPatch
) -> Take:
    """Each taker is a process of its own."""
    ticketing.make_known(monkeypatch)

    def take(ticket_id: TicketId, now: datetime) -> Committed:
        context = CommandContext(ACCOUNT, WORKSPACE, CommandId.new(), CorrelationId.new())
        unit = Commands(log, pool, codec, b"k" * 32).unit(context, input=ticket_id)
        unit.take_over(SEAT, TicketId, ticket, ticket.expire, now=now)
        unit.start(ticket, ticket_id, ticket.hold_seat, buyer_id=ACCOUNT, seat="A1", now=now)
        return unit.commit()

    return take


def test_of_two_takers_of_a_lapsed_hold_one_has_it_and_the_other_is_told_until_when(
    take: Take, log: PostgresLog, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
):
    """The slower one has asked the holder's rule when the faster one commits."""
    holder, slow, fast = TicketId.new(), TicketId.new(), TicketId.new()
    take(holder, BEGIN)
    with pytest.raises(ClaimTaken) as early:
        take(slow, LATER.replace(second=0, minute=14))
    assert (early.value.holder, early.value.until) == (holder, rfc3339(LATER))
    ask, answers = LapsedHolds.ask, []

    def asked(holds: LapsedHolds, *arguments: object) -> None:
        ask(holds, *arguments)  # type: ignore[arg-type]
        if not answers:
            answers.append(None)
            answers.append(take(fast, LATER))

    monkeypatch.setattr(LapsedHolds, "ask", asked)
    with pytest.raises(ClaimTaken) as late:
        take(slow, LATER)
    assert (late.value.holder, late.value.until) == (fast, rfc3339(LATER + HELD_FOR))
    assert answers[1] is not None
    assert answers[1].stream_id == fast
    told = log.events.after(0, 100)
    assert [(e.stream_id, e.type) for e in told][2:] == [
        (holder, "ticket.expired"),
        (fast, "ticket.held"),
        (fast, "ticket.charge_requested"),
    ]
    assert len({event.command_id for event in told[2:]}) == 1
    with pool.connection() as connection:
        held = connection.execute("SELECT kind, stream_id FROM claims").fetchall()
    assert held == [(SEAT, fast)]
