"""An answer that an effect keeps is in the log once, whatever became of its subject meanwhile; an
erasure waits for one that moves money.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from aggregates.account import erasure
from commands.account.erasures import PARTY_ERASURE_CLAIM
from commands.closing import ERASURE_CLAIM
from commands.unit import CommandContext, Unit
from events.account.erasure import ErasureStepRequested
from events.claims import Claim
from events.envelope import Recorded
from events.ids import (
    AccountId,
    CommandId,
    CorrelationId,
    ErasureId,
    PartyId,
    PersonId,
    WorkspaceId,
)
from events.log.progress import LogProgress
from events.outcome import outcome_stream
from events.store.subject_keys import SubjectGone
from processors.account.acknowledgements import Acknowledgements
from processors.account.erasure import EraseContentsEffect, RemainsOfAccount, RemainsOfParty
from processors.effects.caps import Caps
from processors.effects.consumer import EffectConsumer
from processors.effects.runner import EffectRunner
from processors.wake import Wake
from tests import ticketing
from tests.integration.sagas.ingests import Crash, Ingests
from tests.specification import recorded
from tests.ticketing import Charging, Gateway, TicketId, ticket

WORKSPACE, ACCOUNT, PARTY = WorkspaceId.new(), AccountId.new(), PartyId.new()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Sale:
    """One ticket whose charge was asked for, and the runners that ask the gateway."""

    def __init__(self, world: Ingests, buyer: PersonId = ACCOUNT) -> None:
        self.world, self.gateway, self.buyer = world, Gateway(), buyer
        self.ticket_id, self.erasure_id = TicketId.new(), ErasureId.new()
        self.hold_seat(self.ticket_id, "A1")
        consumer = EffectConsumer("charges", [Charging(self.gateway)], Wake())
        with world.pool.connection() as connection:
            consumer.apply(connection, self.events)
        self.intent = self.events[-1].event_id

    @property
    def events(self) -> list[Recorded]:
        envelopes = self.world.log.events.stream(self.ticket_id)
        return [event for e in envelopes if (event := self.world.codec.decode(e)) is not None]

    @property
    def answers(self) -> list[Recorded]:
        envelopes = self.world.log.events.after(0, 100, categories=["charge"])
        return [event for e in envelopes if (event := self.world.codec.decode(e)) is not None]

    def do(self, stage: Callable[[Unit], None], actor: str | None = None) -> None:
        context = CommandContext(actor, WORKSPACE, CommandId.new(), CorrelationId.new())
        unit = self.world.commands.unit(context, input={})
        stage(unit)
        unit.commit()

    def work_one(self, effect: Any = None) -> bool:
        effect = effect or Charging(self.gateway)
        caps, world = Caps([effect], 1), self.world
        return EffectRunner(caps, world.commands, {}, world.pool, Wake()).work_one()

    def waiting(self) -> int:
        return len(self.world.rows("SELECT 1 FROM effects"))

    def hold_seat(self, ticket_id: TicketId, seat: str) -> None:
        """No person's command: a saga may send it, which no trigger stops."""
        self.do(
            lambda unit: unit.start(
                *(ticket, ticket_id, ticket.hold_seat), buyer_id=self.buyer, seat=seat, now=NOW
            )
        )

    # What may happen meanwhile.
    def nothing(self) -> None:
        """It is wanted as before."""

    def cancel(self) -> None:
        self.do(lambda unit: unit.change(ticket, self.ticket_id, ticket.cancel), actor=ACCOUNT)

    def erase(self) -> None:
        """The buyer speaks no more, and nobody knows their key."""
        kind = ERASURE_CLAIM if self.buyer == ACCOUNT else PARTY_ERASURE_CLAIM
        self.do(
            lambda unit: unit.start(
                *(erasure, self.erasure_id, erasure.request),
                subject_id=self.buyer,
                workspace_id=WORKSPACE,
                claim=Claim(kind, self.buyer),
            )
        )
        self.world.do(
            "INSERT INTO subject_keys (subject, wrapped_key, erased_at) VALUES (%s, NULL, now())",
            self.buyer,
        )


@pytest.fixture
def sale(ingests: Ingests, monkeypatch: pytest.MonkeyPatch) -> Sale:
    ticketing.make_known(monkeypatch)
    return Sale(ingests)


@pytest.fixture(params=[ACCOUNT, PARTY], ids=["account", "party"])
def leaving(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Sale:
    """Its buyer, who has an account or none, has asked to be forgotten."""
    ticketing.make_known(monkeypatch)
    sale = Sale(ingests, request.param)
    sale.erase()
    return sale


@pytest.mark.parametrize("meanwhile", [Sale.nothing, Sale.cancel, Sale.erase])
def test_the_answer_is_kept_whatever_became_of_its_subject(
    sale: Sale, meanwhile: Callable[[Sale], None]
):
    sale.gateway.behave = lambda: meanwhile(sale)
    assert sale.work_one()
    (answer,) = sale.answers
    assert answer.stream_id == outcome_stream("charge", sale.intent)
    assert answer.envelope.causation_id == sale.intent
    assert answer.tenant == WORKSPACE
    assert answer.data == ticketing.ChargeAnswered(
        intent_id=sale.intent, ticket_id=sale.ticket_id, paid=True
    )
    assert sale.waiting() == 0


@pytest.mark.parametrize("point", ["between the gateway and the append", "behind the append"])
def test_a_runner_that_is_killed_leaves_one_answer(
    sale: Sale, monkeypatch: pytest.MonkeyPatch, point: str
):
    commit = Unit.commit

    def killed(unit: Unit) -> None:
        if point == "behind the append":
            commit(unit)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Unit, "commit", killed)
        with pytest.raises(Crash):
            sale.work_one()
    # The gateway may say something else when it is asked again: what was kept first counts.
    sale.gateway.pays = point != "behind the append"
    sale.world.let_time_pass()
    assert sale.work_one()
    assert sale.gateway.asked == [sale.intent] * 2
    assert [answer.data.paid for answer in sale.answers] == [True]
    assert sale.waiting() == 0


def test_two_runners_that_ask_at_once_keep_one_answer(sale: Sale):
    """The first was held up for longer than its lease."""

    def held_up() -> None:
        sale.gateway.behave = lambda: None
        sale.world.let_time_pass()
        assert sale.work_one()

    sale.gateway.behave = held_up
    assert sale.work_one()
    assert len(sale.gateway.asked) == 2
    assert len(sale.answers) == 1


def test_an_effect_that_keeps_its_answers_and_gives_none_is_asked_again(sale: Sale):
    class Silent(Charging):
        def perform(self, event: Recorded) -> None:  # type: ignore[override]
            return None

    assert sale.work_one(Silent(sale.gateway))
    assert sale.answers == []
    ((error,),) = sale.world.rows("SELECT error FROM effects")
    assert error.startswith("NoAnswer")


def test_an_erasure_drops_no_work_whose_answer_is_kept(sale: Sale):
    """Nobody has it in hand, and yet the gateway may have been asked."""
    world = sale.world
    asked = Acknowledgements(world.pool, LogProgress(world.pool, "postgres"), lambda _: [])
    assert asked.missing(WORKSPACE, 0) == ["charge"]
    assert sale.work_one()
    assert asked.missing(WORKSPACE, 0) == []


# --- an erasure, and money of the person --------------------------------------------------------


class Nothing:
    """A workspace without contents; `begun` once they were asked for."""

    def __init__(self) -> None:
        self.begun = False

    def delete_streams(self, _: object) -> None:
        """There are none."""

    def delete_files(self, _: object) -> int:
        return 0

    def delete_rows(self, *_: object) -> None:
        self.begun = True


def begin(sale: Sale, *consumers: str) -> tuple[str, bool]:
    """The saga asks for the contents: (what the effect answers, whether anything was deleted)."""
    world, contents = sale.world, Nothing()
    asked = Acknowledgements(
        world.pool, LogProgress(world.pool, "postgres"), lambda _: [], consumers
    )
    remains = {
        ACCOUNT: RemainsOfAccount(
            *(contents, world.log, lambda _: None, asked, lambda _: None)  # type: ignore[arg-type]
        ),
        PARTY: RemainsOfParty(contents.delete_rows, world.log, lambda _: None, asked),
    }
    effect = EraseContentsEffect(remains.__getitem__)
    requested = ErasureStepRequested(
        erasure_id=sale.erasure_id,
        subject_id=sale.buyer,
        workspace_id=WORKSPACE,
        step="contents",
        attempt=1,
    )
    answer = effect.perform(recorded(requested, stream_id=sale.erasure_id))
    return answer.stored_name, contents.begun


def test_an_erasure_deletes_nothing_before_the_answer_is_there_and_then_goes_on(leaving: Sale):
    assert begin(leaving) == ("RecordMoneyAwaited", False)
    assert leaving.work_one()
    assert begin(leaving) == ("RecordContentsDeleted", True)


def test_an_erasure_waits_for_a_consumer_that_may_not_have_read_of_the_money(sale: Sale):
    sale.erase()
    sale.work_one()
    assert begin(sale, "charges") == ("RecordMoneyAwaited", False)
    sale.world.do(
        "INSERT INTO consumers (name, kind, version, categories)"
        " VALUES ('charges', 'processor', 1, '{ticket}')"
    )
    assert begin(sale, "charges") == ("RecordMoneyAwaited", False)
    # At the head, for there is nothing to read of these.
    sale.world.do("UPDATE consumers SET categories = '{loan}'")
    assert begin(sale, "charges") == ("RecordContentsDeleted", True)


def test_nobody_begins_to_move_money_behind_the_erasures_first_event(leaving: Sale):
    with pytest.raises(SubjectGone):
        leaving.hold_seat(TicketId.new(), "A2")
    assert leaving.world.rows("SELECT key FROM claims WHERE kind = 'specimen-seat'") == [("A1",)]


def test_money_that_is_wanted_while_the_erasure_is_asked_for_is_refused(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
):
    """Decided before, appended behind: what was looked at would have been another moment's."""
    write, waiting = Unit._write, [sale.erase]

    def overtaken(unit: Unit, append: Any) -> Any:
        if waiting:
            waiting.pop()()
        return write(unit, append)

    monkeypatch.setattr(Unit, "_write", overtaken)
    with pytest.raises(SubjectGone):
        sale.hold_seat(TicketId.new(), "A2")
