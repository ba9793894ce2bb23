"""Effects that cannot be digested fail alone, are kept, and never run twice at once."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from pydantic import BaseModel

from commands.unit import Unit
from events.envelope import Recorded
from events.errors import NoCultureError
from events.store.pending import StoreBusy
from processors.effects import runner as effect_runner
from tests.integration.sagas.ingests import Crash, Ingests, poll
from tests.integration.sagas.test_effects import (
    Reading,
    dying,
    failing,
    runner_of,
    want,
    work_left,
)

EFFECT = (
    "INSERT INTO effects (effect, event_id, position, due_at, leases, failures) VALUES ('reading',"
    " %s, %s, clock_timestamp() - interval '1 hour', %s, %s)"
)


def effect_row(ingests: Ingests) -> tuple[Any, ...]:
    (row,) = ingests.rows(
        "SELECT leases, failures, error, extract(epoch FROM due_at - clock_timestamp())::float"
        " FROM effects"
    )
    return row


def test_an_intent_that_is_not_where_its_row_says_ended_the_worker(ingests: Ingests):
    effect, asset_id = Reading(), ingests.upload()
    want(ingests, effect)
    (uploaded,) = ingests.log.events.stream(asset_id)
    rows = [
        (uploaded.event_id + "x", uploaded.position),
        ("evt_nowhere", 10**9),
        ("evt_negative", -(2**63)),
        ("evt_last", 2**63 - 1),
    ]
    for event_id, position in rows:
        ingests.do(EFFECT, event_id, position, 0, 0)
    runner = runner_of(ingests, effect)
    for _ in range(len(rows) + 1):
        assert runner.work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]
    left = ingests.rows("SELECT failures, error FROM effects WHERE due_at > clock_timestamp()")
    assert [failures for failures, _ in left] == [1] * len(rows)
    assert all(error for _, error in left)


def test_an_event_that_wants_another_effect_ended_the_worker(ingests: Ingests):
    effect, asset_id = Reading(max_attempts=1), ingests.upload()
    ingests.delete(asset_id)
    _, deleted = ingests.log.events.stream(asset_id)
    ingests.do(EFFECT, deleted.event_id, deleted.position, 0, 0)
    assert runner_of(ingests, effect).work_one()
    assert effect.performed == []
    assert "NoIntent" in effect_row(ingests)[2]


def test_an_intent_that_cannot_be_read_is_never_given_up(ingests: Ingests):
    """What is not known may be money: it stays, and waits ten minutes at most."""
    ingests.do(EFFECT, "evt_nowhere", 10**9, 10**9, 10**9)
    effect = Reading(max_attempts=1)
    assert runner_of(ingests, effect).work_one()
    _, failures, error, due_in_s = effect_row(ingests)
    assert failures == 10**9 + 1
    assert "NoIntent" in error
    assert 0 < due_in_s <= effect_runner.MAX_RETRY_S


def test_giving_up_that_fails_ended_the_worker(ingests: Ingests, monkeypatch: pytest.MonkeyPatch):
    def broken(self: Reading, event: Recorded, error: Exception) -> BaseModel:
        raise ZeroDivisionError

    effect = Reading(behave=failing, max_attempts=1)
    asset_id = ingests.upload()
    want(ingests, effect)
    with monkeypatch.context() as patch:
        patch.setattr(Reading, "give_up", broken)
        assert runner_of(ingests, effect).work_one()
    _, failures, error, _ = effect_row(ingests)
    assert (failures, error.split()[0]) == (1, "ZeroDivisionError")
    ingests.let_time_pass()
    assert runner_of(ingests, effect).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.rejected"]


class TooLarge(NoCultureError):
    status, code = 413, "event-too-large"


@pytest.mark.parametrize(
    "error",
    [KeyError("of ours"), TooLarge(), psycopg.errors.UntranslatableCharacter()],
    ids=lambda error: type(error).__name__,
)
def test_an_outcome_that_cannot_be_committed_stays_and_is_not_given_up(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """It was done: to say that it failed would be a lie, to drop it would lose it."""

    def refuse(unit: Unit) -> None:
        raise error

    effect, asset_id = Reading(max_attempts=1), ingests.upload()
    want(ingests, effect)
    with monkeypatch.context() as patch:
        patch.setattr(Unit, "commit", refuse)
        assert runner_of(ingests, effect).work_one()
    assert effect_row(ingests)[2].startswith((type(error).__name__, "(event-too-large"))
    ingests.let_time_pass()
    assert runner_of(ingests, effect).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]


def test_a_busy_store_was_counted_as_runners_lost(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    """A good file was rejected after the store had been busy six times."""

    def busy(unit: Unit) -> None:
        raise StoreBusy

    effect, asset_id = Reading(max_attempts=1), ingests.upload()
    want(ingests, effect)
    with monkeypatch.context() as patch:
        patch.setattr(Unit, "commit", busy)
        for _ in range(effect_runner.MAX_LOST_LEASES + 3):
            assert runner_of(ingests, effect).work_one()
            ingests.let_time_pass()
    assert runner_of(ingests, effect).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]


@pytest.mark.parametrize("ending", ["fails", "hands back"])
def test_a_runner_that_lost_its_lease_let_a_third_begin_beside_the_second(
    ingests: Ingests, ending: str
):
    """Its lease was over, somebody else is at work: it must not make the work due again."""
    second = Reading(behave=dying)

    def overtaken(_: Recorded) -> None:
        ingests.let_time_pass()
        with pytest.raises(Crash):
            runner_of(ingests, second).work_one()
        raise RuntimeError if ending == "fails" else effect_runner.Interrupted

    first = Reading(behave=overtaken)
    ingests.upload()
    want(ingests, first)
    runner_of(ingests, first).work_one()
    leases, failures, _, due_in_s = effect_row(ingests)
    assert (leases, failures) == (2, 0)
    assert due_in_s > effect_runner.LEASE_S / 2
    assert work_left(ingests) == 1


def test_a_renewal_that_breaks_left_the_work_without_a_lease(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    """Any error but the database's ended the renewing thread, and a second runner began."""
    monkeypatch.setattr(effect_runner, "LEASE_S", 0.3)
    effect, asked, renew = Reading(), [], ingests.pool.connection
    runner = runner_of(ingests, effect)

    def at_first_broken(*args: Any, **named: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise ValueError("once")
        return renew(*args, **named)

    def wait_for_the_second(_: Recorded) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ingests.pool, "connection", at_first_broken)
            poll(lambda: len(asked) > 1)

    effect.behave = wait_for_the_second
    asset_id = ingests.upload()
    want(ingests, effect)
    assert runner.work_one()
    assert ingests.types(asset_id)[-1] == "asset.verified"
