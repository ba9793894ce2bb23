"""What cannot be digested fails alone: it stays with its error, and the others go on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from commands.unit import Unit
from events.ids import AssetId, CommandId, IngestId
from processors.pace import longer_pause_s
from processors.sagas.timers import Timers
from processors.wake import Wake
from runtime.areas import HANDLERS
from tests.integration.sagas.ingests import SAGAS, Ingests
from tests.integration.sagas.test_dispatcher import with_a_probe_requested_again

COMMAND = (
    "INSERT INTO saga_commands (command_id, saga, stream_id, name, body, tenant, correlation_id,"
    " causation_id, attempts, due_at) VALUES (%s, %s, %s, %s, %s::jsonb, 'wsp_x', 'cor_x', 'evt_x',"
    " %s, clock_timestamp() - interval '1 hour')"
)
TIMER = (
    "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant, correlation_id, set_by)"
    " VALUES (%s, 'probe', 'ingest', clock_timestamp() - interval '1 hour', 'wsp_x', 'cor_x', %s)"
)


def write_command(
    ingests: Ingests,
    body: str = "{}",
    name: str = "RequestProbe",
    saga: str = "ingest",
    attempts: int = 0,
) -> str:
    """One that is due before all others."""
    command_id = CommandId.new()
    ingests.do(COMMAND, command_id, saga, IngestId.new(), name, body, attempts)
    return command_id


def command(ingests: Ingests, command_id: str) -> tuple[Any, ...]:
    (row,) = ingests.rows(
        "SELECT attempts, error, extract(epoch FROM due_at - clock_timestamp())::float"
        " FROM saga_commands WHERE command_id = %s",
        command_id,
    )
    return row


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", "null", '"text"', '{"asset_id": 7}', "9" * 5_000, "[" * 1_500 + "]" * 1_500],
    ids=["empty", "list", "null", "text", "wrong", "5000-digits", "deep"],
)
def test_a_command_that_does_not_validate_ended_the_worker(ingests: Ingests, body: str):
    asset_id = with_a_probe_requested_again(ingests)
    garbage = write_command(ingests, body)
    dispatcher = ingests.dispatcher()
    assert dispatcher.send_one()
    assert dispatcher.send_one()
    assert ingests.types(asset_id) == ["asset.uploaded", "asset.probe_requested"]
    attempts, error, due_in_s = command(ingests, garbage)
    assert attempts == 1
    assert "ValidationError" in error
    assert due_in_s > 0


def test_the_pause_after_seventeen_hours_of_refusals_overflowed(ingests: Ingests):
    tried = write_command(ingests, name="Unknown", attempts=1_024)
    assert ingests.dispatcher().send_one()
    attempts, error, due_in_s = command(ingests, tried)
    assert (attempts, due_in_s <= 60) == (1_025, True)
    assert "does not know the command Unknown" in error


def test_a_counter_at_its_end_stopped_the_queue(ingests: Ingests):
    tried = write_command(ingests, name="Unknown", attempts=2**31 - 1)
    assert ingests.dispatcher().send_one()
    assert command(ingests, tried)[0] == 2**31 - 1


def test_pauses_grow_and_end_for_any_number_of_failures():
    pauses = [longer_pause_s(failures, 0.1, 60) for failures in (-(10**9), 0, 1, 9, 20, 10**9)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, 60)


def test_a_refusal_for_a_saga_that_nobody_knows_ended_the_worker(ingests: Ingests):
    """It waits for the worker that knows the saga, and keeps its answer."""
    body = f'{{"asset_id": "{AssetId.new()}"}}'
    asked = write_command(ingests, body, saga="of-a-newer-version")
    assert ingests.dispatcher().send_one()
    assert "does not know the saga of-a-newer-version" in command(ingests, asked)[1]


def test_a_handler_that_breaks_ended_the_worker(ingests: Ingests, monkeypatch: pytest.MonkeyPatch):
    def broken(unit: Unit, command: BaseModel) -> None:
        raise KeyError("of ours")

    model, _ = HANDLERS["RequestProbe"]
    monkeypatch.setitem(HANDLERS, "RequestProbe", (model, broken))
    asset_id = with_a_probe_requested_again(ingests)
    assert ingests.dispatcher().send_one()
    assert ingests.commands_waiting() == ["RequestProbe"]
    assert ingests.types(asset_id) == ["asset.uploaded"]


def test_an_operator_hastens_a_saga_whose_command_cannot_be_read(ingests: Ingests):
    asset_id = with_a_probe_requested_again(ingests)
    ingests.do("UPDATE saga_commands SET body = %s::jsonb, error = 'x'", "9" * 5_000)
    with ingests.pool.connection() as connection:
        pending = ingests.dispatcher()._rows.hasten(
            connection, IngestId.beside(asset_id), "cor_none"
        )
    assert [name for name, _ in pending] == ["RequestProbe"]


# --- timers -------------------------------------------------------------------------------------


def test_a_timer_that_cannot_be_fired_ended_the_worker_and_kept_all_others(ingests: Ingests):
    """Its stream ends in an event that is no step: it was the oldest, so it came first again and
    again.
    """
    asset_id = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    ingests.do(TIMER, asset_id, "evt_x")
    timers = ingests.timers()
    assert timers.fire_one()
    assert timers.fire_one()
    assert ingests.steps(asset_id) == ["Probing", "Probing"]
    assert ingests.rows("SELECT 1 FROM saga_timers WHERE stream_id = %s", asset_id)
    assert timers.failing is not None
    assert "AttributeError" in timers.failing


def test_a_timer_that_has_fired_before_was_first_for_ever(ingests: Ingests):
    """Its step is in the log already: a lost race that no other try can win."""
    asset_id = ingests.upload()
    ingests.feed()
    ((stream_id, set_by),) = ingests.rows("SELECT stream_id, set_by FROM saga_timers")
    ingests.let_time_pass()
    timers = ingests.timers()
    assert timers.fire_one()
    ingests.do("DELETE FROM saga_timers")
    ingests.do(TIMER, stream_id, set_by)
    other = ingests.upload()
    ingests.feed()
    ingests.let_time_pass()
    assert timers.fire_one()
    assert timers.fire_one()
    assert ingests.steps(other) == ["Probing", "Probing"]
    assert ingests.steps(asset_id) == ["Probing", "Probing"]


def test_a_timer_that_fails_is_tried_again_ever_more_slowly_and_forgotten_when_it_is_gone(
    ingests: Ingests,
):
    now = 0.0
    timers = Timers(SAGAS, ingests.log, ingests.pool, ingests.codec, Wake(), now=lambda: now)
    asset_id = ingests.upload()
    ingests.do(TIMER, asset_id, "evt_x")
    tried_at = []
    while len(tried_at) < 14:
        if timers.fire_one():
            tried_at.append(now)
        else:
            now += timers._due_in_s() or 1.0
    pauses = [later - earlier for earlier, later in pairwise(tried_at)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (1.0, 600.0)
    ingests.do("DELETE FROM saga_timers")
    now += 600.0
    assert not timers.fire_one()
    assert timers.failing is None
