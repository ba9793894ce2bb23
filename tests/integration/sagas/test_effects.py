"""Effects: wanted exactly once, performed at least once, their outcome committed once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel

from commands.vault.ingest import RejectAsset, VerifyAsset
from events.envelope import Recorded
from events.model import Event
from events.vault.asset import AssetUploaded
from processors.consumers.batch import finish
from processors.effects import runner as effect_runner
from processors.effects.caps import Caps
from processors.effects.consumer import EffectConsumer
from processors.effects.effect import Interrupted
from processors.effects.runner import EffectRunner
from processors.wake import Wake
from runtime.areas import HANDLERS
from schemas.vault.examples import FACTS, TAGS
from tests.integration.sagas.ingests import Crash, Ingests, all_at_once, poll


@dataclass
class Reading:
    """The world outside: `behave` is what happens when a file is read."""

    behave: Callable[[Recorded], None] = lambda _: None
    performed: list[str] = field(default_factory=list)
    name: str = "reading"
    categories: tuple[str, ...] = ("asset",)
    intents: tuple[type[Event], ...] = (AssetUploaded,)
    outcomes: tuple[type[Event], ...] = ()
    moves_money: bool = False
    max_attempts: int = 3
    cap: int = 1
    server: str | None = None

    @staticmethod
    def wants(event: Recorded) -> bool:
        return isinstance(event.data, AssetUploaded)

    def perform(self, event: Recorded) -> BaseModel:
        self.performed.append(event.event_id)
        self.behave(event)
        # The second look measures a hair differently.
        facts = FACTS.model_copy(update={"duration_s": FACTS.duration_s + len(self.performed)})
        assert isinstance(event.data, AssetUploaded)
        return VerifyAsset(asset_id=event.data.asset_id, tags=TAGS, audio=facts, cover=None)

    def give_up(self, event: Recorded, error: Exception) -> BaseModel:
        assert isinstance(event.data, AssetUploaded)
        return RejectAsset(asset_id=event.data.asset_id, code="unreadable", reason=str(error))


def runner_of(ingests: Ingests, effect: Reading, due: Wake | None = None) -> EffectRunner:
    """As another process would have it."""
    caps = Caps([effect], effect.cap)
    return EffectRunner(caps, ingests.commands, HANDLERS, ingests.pool, due or Wake())


def want(ingests: Ingests, *effects: Reading) -> None:
    """Every event so far, as the engine hands it to the effects' consumer."""
    consumer = EffectConsumer("effects", effects, Wake())
    ingests.position = 0
    with ingests.pool.connection() as connection, connection.transaction():
        consumer.apply(connection, ingests.new_events())
        finish(connection, [consumer])
    consumer.committed()


def work_left(ingests: Ingests) -> int:
    return len(ingests.rows("SELECT 1 FROM effects"))


def dying(_: Recorded) -> None:
    raise Crash


def failing(_: Recorded) -> None:
    raise RuntimeError("the disk is full")


def test_an_intent_is_wanted_once_however_often_it_is_delivered(ingests: Ingests):
    effect = Reading()
    ingests.upload()
    want(ingests, effect)
    want(ingests, effect)
    assert work_left(ingests) == 1


def test_an_effect_is_performed_and_its_outcome_committed(ingests: Ingests):
    effect = Reading()
    asset_id = ingests.upload()
    want(ingests, effect)
    assert runner_of(ingests, effect).work_one()
    uploaded, verified = ingests.log.events.stream(asset_id)
    assert verified.type == "asset.verified"
    assert verified.causation_id == uploaded.event_id
    assert verified.correlation_id == uploaded.correlation_id
    assert effect.performed == [uploaded.event_id]
    assert work_left(ingests) == 0
    assert not runner_of(ingests, effect).work_one()


def test_a_killed_runners_work_is_done_by_the_next_when_its_lease_is_over(ingests: Ingests):
    asset_id = ingests.upload()
    killed, living = Reading(behave=dying), Reading()
    want(ingests, killed)
    with pytest.raises(Crash):
        runner_of(ingests, killed).work_one()
    assert not runner_of(ingests, living).work_one(), "the lease still holds"
    ingests.let_time_pass()
    assert runner_of(ingests, living).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]


def test_work_that_kills_every_runner_is_given_up_at_last(ingests: Ingests):
    effect = Reading(behave=dying)
    asset_id = ingests.upload()
    want(ingests, effect)
    for _ in range(effect_runner.MAX_LOST_LEASES + 1):
        with pytest.raises(Crash):
            runner_of(ingests, effect).work_one()
        ingests.let_time_pass()
    assert runner_of(ingests, effect).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.rejected"]
    assert work_left(ingests) == 0


def test_a_shut_down_hands_the_work_back_and_costs_no_attempt(ingests: Ingests):
    """Regression: each `down` in the middle of an analysis was committed as a failed attempt."""

    def shutting_down(_: Recorded) -> None:
        raise Interrupted

    stopped, living = Reading(behave=shutting_down, max_attempts=1), Reading(max_attempts=1)
    asset_id = ingests.upload()
    want(ingests, stopped)
    for _ in range(effect_runner.MAX_LOST_LEASES + 3):
        assert not runner_of(ingests, stopped).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded"]
    assert runner_of(ingests, living).work_one(), "at once, without waiting for a lease"
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]


def test_restarts_do_not_use_up_the_attempts(ingests: Ingests):
    """Two kills and one failure are one failure."""
    asset_id = ingests.upload()
    killed, clumsy, living = Reading(behave=dying), Reading(behave=failing), Reading()
    want(ingests, killed)
    for _ in range(2):
        with pytest.raises(Crash):
            runner_of(ingests, killed).work_one()
        ingests.let_time_pass()
    assert runner_of(ingests, clumsy).work_one()
    ingests.let_time_pass()
    assert runner_of(ingests, living).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]


def test_an_effect_that_is_performed_twice_has_one_outcome(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    """Killed between the outcome's commit and the end of the work."""
    effect = Reading()
    asset_id = ingests.upload()
    want(ingests, effect)
    commit = EffectRunner._commit

    def commit_and_die(runner: EffectRunner, *done: Any) -> None:
        commit(runner, *done)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(EffectRunner, "_commit", commit_and_die)
        with pytest.raises(Crash):
            runner_of(ingests, effect).work_one()
    ingests.let_time_pass()
    assert runner_of(ingests, effect).work_one()
    assert len(effect.performed) == 2
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.verified"]
    assert work_left(ingests) == 0


def test_a_failing_effect_is_repeated_after_pauses_and_given_up_at_last(ingests: Ingests):
    effect = Reading(behave=failing)
    asset_id = ingests.upload()
    want(ingests, effect)
    for _ in range(effect.max_attempts):
        assert ingests.types(asset_id) == ["asset.uploaded"]
        assert runner_of(ingests, effect).work_one()
        assert not runner_of(ingests, effect).work_one(), "there is a pause before the next attempt"
        ingests.let_time_pass()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.rejected"]
    assert len(effect.performed) == effect.max_attempts
    assert work_left(ingests) == 0


def test_why_an_attempt_failed_is_kept_with_the_work(ingests: Ingests):
    effect = Reading(behave=failing)
    ingests.upload()
    want(ingests, effect)
    runner_of(ingests, effect).work_one()
    ((error, failures),) = ingests.rows("SELECT error, failures FROM effects")
    assert error.startswith("RuntimeError at tests/integration/sagas/test_effects.py:")
    assert "the disk is full" not in error, "it may be what somebody wrote"
    assert failures == 1


def test_an_outcome_that_nobody_wants_any_more_ends_the_work(ingests: Ingests):
    effect = Reading()
    asset_id = ingests.upload()
    want(ingests, effect)
    ingests.delete(asset_id)
    assert runner_of(ingests, effect).work_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.deleted"]
    assert work_left(ingests) == 0


def test_a_long_job_keeps_its_lease(ingests: Ingests, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(effect_runner, "LEASE_S", 0.6)
    goes_on = threading.Event()
    effect = Reading(behave=lambda _: None if goes_on.wait(30) else failing(_))
    ingests.upload()
    want(ingests, effect)
    at_work = threading.Thread(target=runner_of(ingests, effect).work_one)
    at_work.start()
    try:
        poll(lambda: len(effect.performed) == 1)
        ((first,),) = ingests.rows("SELECT due_at FROM effects")
        poll(lambda: ingests.rows("SELECT 1 FROM effects WHERE clock_timestamp() > %s", first))
        assert not runner_of(ingests, effect).work_one(), "its first lease is over, but renewed"
    finally:
        goes_on.set()
        at_work.join(timeout=30)
    assert len(effect.performed) == 1
    assert work_left(ingests) == 0


def test_many_runners_perform_each_intent_once(ingests: Ingests):
    effect = Reading()
    assets = [ingests.upload() for _ in range(12)]
    want(ingests, effect)

    def work_all() -> None:
        runner = runner_of(ingests, effect)
        while runner.work_one():
            pass

    all_at_once(work_all)
    work_all()
    assert sorted(effect.performed) == sorted(set(effect.performed))
    assert [ingests.types(asset_id)[-1] for asset_id in assets] == ["asset.verified"] * 12


def test_an_upload_becomes_analysis_by_saga_dispatcher_and_effect_together(ingests: Ingests):
    effect = Reading()
    asset_id = ingests.upload()
    want(ingests, effect)
    ingests.position = 0
    ingests.feed()
    assert runner_of(ingests, effect).work_one()
    ingests.position = 0
    ingests.feed()
    assert ingests.dispatcher().send_one()
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]
    head = ingests.log.events.after(0, 100)[-1]
    assert head.type == "analysis.requested"
