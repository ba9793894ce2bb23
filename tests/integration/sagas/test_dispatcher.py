"""Commands of a saga are sent until they are answered, and answered once."""

from __future__ import annotations

import psycopg
import pytest

from commands.unit import Unit
from events.ids import AnalysisId, AssetId
from tests.conftest import Database
from tests.integration.sagas.ingests import Crash, Ingests, all_at_once


def with_a_probe_requested_again(ingests: Ingests) -> AssetId:
    """An upload whose probe gave no answer in time: its saga wants RequestProbe sent."""
    asset_id = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    assert ingests.timers().fire_one()
    return asset_id


def test_a_command_is_sent_and_its_row_is_gone(ingests: Ingests):
    asset_id = ingests.upload()
    ingests.verify(asset_id)
    ingests.feed()
    assert ingests.dispatcher().send_one()
    assert ingests.types(AnalysisId.beside(asset_id)) == ["analysis.requested"]
    assert ingests.commands_waiting() == []
    assert not ingests.dispatcher().send_one()


def test_what_is_sent_follows_from_the_step_that_wanted_it(ingests: Ingests):
    asset_id = with_a_probe_requested_again(ingests)
    step = ingests.log.events.after(0, 10, categories=["ingest"])[-1]
    ingests.dispatcher().send_one()
    requested = ingests.log.events.stream(asset_id)[-1]
    assert requested.type == "asset.probe_requested"
    assert requested.causation_id == step.event_id
    assert requested.correlation_id == step.correlation_id


def test_a_crash_after_the_commit_sends_again_and_is_answered_as_before(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    asset_id = with_a_probe_requested_again(ingests)
    commit = Unit.commit

    def commit_and_die(unit: Unit) -> None:
        commit(unit)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Unit, "commit", commit_and_die)
        with pytest.raises(Crash):
            ingests.dispatcher().send_one()
    assert ingests.commands_waiting() == ["RequestProbe"]
    assert not ingests.dispatcher().send_one(), "the dead one's lease still holds"
    ingests.let_time_pass()
    assert ingests.dispatcher().send_one()
    assert ingests.commands_waiting() == []
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.probe_requested"]


def test_many_dispatchers_send_each_command_once(ingests: Ingests):
    assets = [ingests.upload() for _ in range(10)]
    ingests.feed()
    ingests.let_time_pass()
    while ingests.timers().fire_one():
        pass
    assert ingests.commands_waiting() == ["RequestProbe"] * 10

    def send_all() -> None:
        dispatcher = ingests.dispatcher()
        while dispatcher.send_one():
            pass

    all_at_once(send_all)
    send_all()
    for asset_id in assets:
        assert ingests.types(asset_id) == ["asset.uploaded", "asset.probe_requested"]
    assert ingests.commands_waiting() == []


def test_a_refused_command_comes_back_to_its_saga(ingests: Ingests):
    asset_id = with_a_probe_requested_again(ingests)
    ingests.delete(asset_id)
    assert ingests.dispatcher().send_one()
    assert ingests.steps(asset_id)[-1] == "Ended"
    assert (ingests.commands_waiting(), ingests.timers_set()) == ([], [])
    last = ingests.log.events.after(0, 100, categories=["ingest"])[-1].to_json()["data"]
    assert (last["input"]["kind"], last["input"]["name"]) == ("refusal", "RequestProbe")
    assert last["memory"] == {"outcome": "refused"}


def test_a_refusal_after_the_end_is_heard_by_nobody(ingests: Ingests):
    asset_id = with_a_probe_requested_again(ingests)
    ingests.delete(asset_id)
    ingests.feed()
    steps = ingests.steps(asset_id)
    assert steps[-1] == "Ended"
    assert ingests.dispatcher().send_one()
    assert ingests.steps(asset_id) == steps
    assert ingests.commands_waiting() == []


def test_a_busy_store_puts_the_command_off_and_loses_nothing(ingests: Ingests, database: Database):
    asset_id = with_a_probe_requested_again(ingests)
    with psycopg.connect(database.owner_url) as somebody_slow:
        somebody_slow.execute("SELECT pg_advisory_xact_lock(7521980, 1)")
        assert ingests.dispatcher().send_one()
    ((attempts, error),) = ingests.rows("SELECT attempts, error FROM saga_commands")
    assert attempts == 1
    assert "try again" in error
    assert ingests.types(asset_id) == ["asset.uploaded"]
    ingests.let_time_pass()
    assert ingests.dispatcher().send_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.probe_requested"]


def test_a_command_that_this_worker_does_not_know_waits_for_a_newer_one(
    ingests: Ingests, database: Database
):
    with_a_probe_requested_again(ingests)
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute("UPDATE saga_commands SET name = 'ComposeSymphony'")
        assert ingests.dispatcher().send_one()
        row = connection.execute("SELECT name, error FROM saga_commands").fetchone()
    assert row is not None
    assert row[0] == "ComposeSymphony"
    assert "upgrade" in row[1]
