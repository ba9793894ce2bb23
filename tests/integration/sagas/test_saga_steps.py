"""A step's event, commands and timers are one transaction, taken once."""

from __future__ import annotations

import threading

import pytest

from events.ids import CorrelationId, IngestId
from events.store.pending import VersionConflict
from processors.consumers.batch import finish
from processors.sagas.step_batch import AlreadyStepped, Cause, StepBatch
from processors.sagas.timers import Timers
from sagas.vault.ingest import INGEST
from tests.integration.sagas.ingests import WORKSPACE, Crash, Ingests, all_at_once, poll
from tests.specification import happened, timer


def due_to(reference: str, kind: str = "timer") -> Cause:
    return Cause(kind, "probe", reference, WORKSPACE, CorrelationId.new(), None)


def test_a_steps_event_commands_and_timers_are_committed_together(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    assert (ingests.steps(asset_id), ingests.timers_set()) == (["Probing"], ["probe"])
    ingests.verify(asset_id)
    ingests.feed()
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]
    assert (ingests.commands_waiting(), ingests.timers_set()) == (
        ["RequestAnalysis"],
        ["analysis"],
    )


def test_inputs_of_one_batch_become_steps_in_their_order(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.verify(asset_id)
    ingests.feed()
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]
    assert ingests.timers_set() == ["analysis"]


@pytest.mark.parametrize("moment", ["before the append", "after the append"])
def test_a_crash_before_the_commit_leaves_nothing_and_the_batch_comes_again(
    ingests: Ingests, moment: str
):
    asset_id = ingests.upload()
    ingests.verify(asset_id)

    def crash() -> None:
        with ingests.pool.connection() as connection, connection.transaction():
            ingests.consumer.apply(connection, ingests.new_events())
            if moment == "after the append":
                finish(connection, [ingests.consumer])
            raise Crash

    with pytest.raises(Crash):
        crash()
    assert ingests.steps(asset_id) == []
    assert (ingests.commands_waiting(), ingests.timers_set()) == ([], [])
    ingests.feed()
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]
    assert ingests.commands_waiting() == ["RequestAnalysis"]


def test_events_that_are_delivered_again_change_nothing(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.verify(asset_id)
    ingests.feed()
    ingests.position = 0
    ingests.feed()
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]
    assert ingests.commands_waiting() == ["RequestAnalysis"]


def test_an_input_that_would_move_the_saga_twice_is_refused_the_second_time(ingests: Ingests):
    """The step's command id comes from the saga and the input: the store has seen it."""
    asset_id = ingests.upload()
    ingests.feed()
    stream_id = IngestId.beside(asset_id)

    def take() -> None:
        step_batch = StepBatch(INGEST, ingests.log, ingests.codec)
        with ingests.pool.connection() as connection, connection.transaction():
            step_batch.take(stream_id, timer("probe"), due_to("probe@1"))
            step_batch.write_rows(connection)
            step_batch.append(connection)

    take()
    with pytest.raises(AlreadyStepped):
        take()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]
    assert ingests.commands_waiting() == ["RequestProbe"]


def test_two_inputs_at_once_make_one_loser_who_may_come_again(ingests: Ingests):
    """A timer and an event meet at the same saga, and both set the same timer anew.

    The loser must lose by its version, which the engine retries: a unique violation would park
    the stream as poison.
    """
    asset_id = ingests.upload()
    ingests.feed()
    stream_id = IngestId.beside(asset_id)
    first = StepBatch(INGEST, ingests.log, ingests.codec)
    second = StepBatch(INGEST, ingests.log, ingests.codec)
    first.take(stream_id, timer("probe"), due_to("probe@1"))
    second.take(stream_id, timer("probe"), due_to("probe@2"))
    verdicts: list[BaseException] = []

    def lose() -> None:
        try:
            with ingests.pool.connection() as connection, connection.transaction():
                second.write_rows(connection)
                second.append(connection)
        except Exception as error:
            verdicts.append(error)

    with ingests.pool.connection() as connection, connection.transaction():
        first.write_rows(connection)
        thread = threading.Thread(target=lose)
        thread.start()
        _wait_until_somebody_is_blocked(ingests)
        first.append(connection)
    thread.join(timeout=20)
    assert [type(verdict) for verdict in verdicts] == [VersionConflict]
    assert ingests.steps(asset_id) == ["Probing", "Probing"]


def test_a_deleted_asset_leaves_no_timer_behind(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    ingests.delete(asset_id)
    ingests.feed()
    assert ingests.steps(asset_id) == ["Probing", "Ended"]
    assert ingests.timers_set() == []


def test_a_step_tells_what_it_followed_from(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    uploaded = ingests.log.events.stream(asset_id)[0]
    step = ingests.log.events.stream(IngestId.beside(asset_id))[0]
    assert step.causation_id == uploaded.event_id
    assert step.correlation_id == uploaded.correlation_id
    assert step.tenant == uploaded.tenant
    assert step.to_json()["data"]["input"]["reference"] == uploaded.event_id


# --- timers -------------------------------------------------------------------------------------


def test_a_timer_fires_only_when_it_is_due(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    assert not ingests.timers().fire_one()
    ingests.let_time_pass()
    assert ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]
    assert (ingests.commands_waiting(), ingests.timers_set()) == (["RequestProbe"], ["probe"])
    assert not ingests.timers().fire_one(), "the timer it set anew is not due yet"


def test_a_timer_fires_once_however_many_fire_timers(ingests: Ingests):
    assets = [ingests.upload() for _ in range(12)]
    ingests.feed()
    ingests.let_time_pass()

    def fire_all() -> None:
        timers = ingests.timers()
        while timers.fire_one():
            pass

    all_at_once(fire_all)
    # A firer that met a locked row may have gone home early; nothing may be fired twice.
    fire_all()
    assert [ingests.steps(asset_id) for asset_id in assets] == [["Probing", "Probing"]] * 12
    assert ingests.commands_waiting() == ["RequestProbe"] * 12


def test_a_crash_while_a_timer_fires_leaves_it_due(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    asset_id = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(StepBatch, "append", crash)
        with pytest.raises(Crash):
            ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing"]
    assert (ingests.commands_waiting(), ingests.timers_set()) == ([], ["probe"])
    assert ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]


def test_a_timer_runs_by_itself_until_it_is_told_to_stop(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    stop = threading.Event()
    thread = threading.Thread(target=Timers.run, args=(ingests.timers(), stop))
    thread.start()
    try:
        poll(lambda: len(ingests.steps(asset_id)) == 2)
    finally:
        stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive()


def test_a_timer_before_the_upload_was_read_moves_nothing(ingests: Ingests):
    asset_id = ingests.upload()
    (uploaded,) = ingests.new_events()
    step_batch = StepBatch(INGEST, ingests.log, ingests.codec)
    step_batch.take(IngestId.beside(asset_id), timer("probe"), due_to("t"))
    assert not step_batch.moved
    step_batch.take(IngestId.beside(asset_id), happened(uploaded.data), due_to("e", "event"))
    assert step_batch.moved


def _wait_until_somebody_is_blocked(ingests: Ingests) -> None:
    query = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    poll(lambda: bool(ingests.rows(query)))
