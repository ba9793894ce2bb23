"""An operator's hand: retried, skipped, aborted, by whom and why; one append with the step."""

from __future__ import annotations

from typing import Any

import pytest

from events.ids import AccountId, AssetId, CommandId, IngestId
from events.store.pending import Committed, InputMismatch, VersionConflict
from processors.sagas.rows import SagaRows
from processors.system.operating import Operating
from sagas.errors import NotSkippable, SagaEnded, UnknownSaga
from tests.integration.sagas.ingests import SAGAS, Crash, Ingests, all_at_once

OPERATOR = AccountId.new()


def operate(
    ingests: Ingests, action: Any, asset_id: AssetId, version: int | None = None, **more: Any
) -> Committed:
    operating = Operating(SAGAS, ingests.log, ingests.pool, ingests.codec)
    given = {"command_id": CommandId.new(), "reason": "The reader was broken."} | more
    return operating.operate(
        action,
        IngestId.beside(asset_id),
        given["reason"],
        operator_id=OPERATOR,
        command_id=given["command_id"],
        expected_version=version,
    )


def analysing(ingests: Ingests) -> AssetId:
    asset_id = ingests.upload()
    ingests.verify(asset_id)
    ingests.feed()
    return asset_id


def send_all(ingests: Ingests) -> None:
    while ingests.dispatcher().send_one():
        pass


def test_what_an_operator_did_and_why_is_an_event_beside_the_step(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    committed = operate(ingests, "retry", asset_id)
    (step,) = ingests.log.events.stream(committed.stream_id, newest_first=True, limit=1)
    said = step.to_json()["data"]["input"]
    (operation,) = ingests.log.events.stream(said["reference"])
    data = operation.to_json()["data"]
    assert (committed.stream_version, step.actor, operation.actor) == (2, OPERATOR, OPERATOR)
    assert (said["kind"], said["name"]) == ("operator", "retry")
    assert (data["action"], data["saga_id"], data["state"], data["reason"]) == (
        *("retry", IngestId.beside(asset_id), "Probing"),
        "The reader was broken.",
    )
    assert operation.command_id == step.command_id
    assert step.correlation_id == ingests.log.events.stream(asset_id)[0].correlation_id


def test_a_retried_probe_is_asked_for_again_with_a_new_command(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    for _ in range(2):
        operate(ingests, "retry", asset_id)
        send_all(ingests)
    assert ingests.types(asset_id).count("asset.probe_requested") == 2
    assert ingests.timers_set() == ["probe"]


def test_a_command_that_is_on_its_way_is_hastened_not_sent_twice(ingests: Ingests):
    asset_id = analysing(ingests)
    ingests.do(
        "UPDATE saga_commands SET attempts = 9, error = 'no memory',"
        " due_at = clock_timestamp() + interval '1 hour'"
    )
    operate(ingests, "retry", asset_id)
    assert ingests.commands_waiting() == ["RequestAnalysis"]
    send_all(ingests)
    assert ingests.commands_waiting() == []
    assert ingests.steps(asset_id) == ["Probing", "Analysing", "Analysing"]


def test_a_retry_asks_again_for_what_was_done_before_its_sender_died(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    """The row of the done command looked as if it were on its way: nothing was asked for, and a
    measurement that had failed meanwhile was waited for for ever. The simulator found it.
    """

    def die(*_: object) -> None:
        raise Crash

    asset_id = ingests.upload()
    ingests.feed()
    operate(ingests, "retry", asset_id)
    with monkeypatch.context() as dying:
        dying.setattr(SagaRows, "forget_command", die)
        with pytest.raises(Crash):
            ingests.dispatcher().send_one()
    assert ingests.commands_waiting() == ["RequestProbe"]
    operate(ingests, "retry", asset_id)
    ingests.let_time_pass()
    send_all(ingests)
    assert ingests.types(asset_id).count("asset.probe_requested") == 2


def test_work_outside_that_failed_is_due_at_once_and_work_under_way_is_left_alone(
    ingests: Ingests,
):
    asset_id = ingests.upload()
    ingests.feed()
    correlation = ingests.log.events.stream(asset_id)[0].correlation_id
    ingests.do(
        "INSERT INTO effects (effect, event_id, position, correlation_id, leases, failures, error,"
        " due_at) SELECT 'probe', name, 1, %s, leases, failures, 'x',"
        " clock_timestamp() + interval '1 hour' FROM (VALUES ('failed', 2, 2), ('leased', 3, 2))"
        " AS w(name, leases, failures)",
        correlation,
    )
    operate(ingests, "retry", asset_id)
    assert ingests.rows(
        "SELECT event_id, failures, due_at <= clock_timestamp() FROM effects ORDER BY event_id"
    ) == [("failed", 0, True), ("leased", 2, False)]


def test_a_skipped_measurement_leaves_a_recording_without_one(ingests: Ingests):
    asset_id = analysing(ingests)
    send_all(ingests)
    operate(ingests, "skip", asset_id)
    send_all(ingests)
    ingests.feed()
    assert ingests.steps(asset_id)[-1] == "Ended"
    assert ingests.types("ana_" + asset_id[4:])[-1] == "analysis.failed"


def test_what_cannot_be_skipped_is_refused_and_leaves_no_trace(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    head = ingests.log.events.head()
    with pytest.raises(NotSkippable):
        operate(ingests, "skip", asset_id)
    assert ingests.log.events.head() == head


def test_an_abort_undoes_takes_back_what_was_not_sent_and_ends(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    operate(ingests, "retry", asset_id)
    operate(ingests, "abort", asset_id)
    assert (ingests.commands_waiting(), ingests.timers_set()) == (["RejectAsset"], [])
    send_all(ingests)
    ingests.feed()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.rejected"]
    assert ingests.steps(asset_id) == ["Probing", "Probing", "Ended"]
    with pytest.raises(SagaEnded):
        operate(ingests, "retry", asset_id)


def test_the_same_order_twice_is_done_once_and_answered_twice(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    same = {"command_id": CommandId.new()}
    first = operate(ingests, "abort", asset_id, 1, **same)
    again = operate(ingests, "abort", asset_id, 1, **same)
    assert (again.position, again.stream_version, again.replayed) == (
        *(first.position, first.stream_version),
        True,
    )
    with pytest.raises(InputMismatch):
        operate(ingests, "abort", asset_id, 1, reason="Another reason", **same)
    assert ingests.steps(asset_id) == ["Probing", "Ended"]


def test_an_operator_who_saw_an_older_version_loses(ingests: Ingests):
    asset_id = analysing(ingests)
    with pytest.raises(VersionConflict):
        operate(ingests, "abort", asset_id, 1)
    assert ingests.steps(asset_id) == ["Probing", "Analysing"]


def test_several_operators_at_once_make_one_step(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    lost: list[Exception] = []

    def press() -> None:
        try:
            operate(ingests, "abort", asset_id, 1)
        except (VersionConflict, SagaEnded) as error:
            lost.append(error)

    all_at_once(press)
    assert len(lost) == 3
    assert ingests.steps(asset_id) == ["Probing", "Ended"]
    assert ingests.commands_waiting() == ["RejectAsset"]


@pytest.mark.parametrize("id", ["ing_" + "0" * 32, "nothing", "ing_\x00", ""])
def test_a_saga_that_nobody_knows_is_not_found(ingests: Ingests, id: str):
    operating = Operating(SAGAS, ingests.log, ingests.pool, ingests.codec)
    with pytest.raises(UnknownSaga):
        operating.operate(
            "abort", id, "x", operator_id=None, command_id=CommandId.new(), expected_version=None
        )


def test_a_stream_that_is_no_saga_is_not_found(ingests: Ingests):
    asset_id = ingests.upload()
    operating = Operating(SAGAS, ingests.log, ingests.pool, ingests.codec)
    with pytest.raises(UnknownSaga):
        operating.operate(
            "abort", asset_id, "x", operator_id=None, command_id=CommandId.new(),
            expected_version=None,
        )  # fmt: skip


# --- clocks -------------------------------------------------------------------------------------


def test_a_clock_that_was_set_back_fires_the_same_moment_twice_for_two_timers(ingests: Ingests):
    """The firing is named by the step that set the timer: named by its due time, the second one
    would be taken for the first one's replay for ever.
    """
    asset_id = ingests.upload()
    ingests.feed()
    for expected in (["Probing"] * 2, ["Probing"] * 3):
        ingests.do("UPDATE saga_timers SET due_at = '2020-01-01T00:00:00Z'")
        assert ingests.timers().fire_one()
        assert ingests.steps(asset_id) == expected


def test_a_clock_that_was_set_back_delays_a_timer_and_loses_none(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    ingests.do("UPDATE saga_timers SET due_at = due_at + interval '1 day'")
    assert not ingests.timers().fire_one()
    ingests.do("UPDATE saga_timers SET due_at = due_at - interval '2 days'")
    assert ingests.timers().fire_one()
    assert not ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]


def test_a_timer_set_by_an_earlier_version_still_fires(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    ingests.do("UPDATE saga_timers SET set_by = NULL, correlation_id = NULL")
    ingests.let_time_pass()
    assert ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]


def test_a_timer_of_a_saga_that_this_worker_does_not_know_waits_for_one_that_does(
    ingests: Ingests,
):
    first, second = ingests.upload(), ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    ingests.do("UPDATE saga_timers SET saga = 'tour' WHERE stream_id = %s", IngestId.beside(first))
    assert ingests.timers().fire_one()
    assert not ingests.timers().fire_one()
    assert ingests.steps(second) == ["Probing", "Probing"]
    assert ingests.rows("SELECT saga FROM saga_timers ORDER BY saga") == [("ingest",), ("tour",)]


def test_a_timer_that_comes_after_the_answer_is_gone_or_unheard(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.feed()
    operate(ingests, "abort", asset_id)
    ingests.do(
        "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant, set_by)"
        " SELECT %s, 'probe', 'ingest', clock_timestamp(), tenant, 'evt_late'"
        " FROM events WHERE stream_id = %s",
        IngestId.beside(asset_id),
        asset_id,
    )
    assert ingests.timers().fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Ended"]
    assert ingests.timers_set() == []
