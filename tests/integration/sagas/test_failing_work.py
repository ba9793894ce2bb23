"""An operator sees what fails again and again, tries it at once, or gives it up for good."""

from __future__ import annotations

import json

import pytest

from processors.failing import FAILING_AFTER, NotFailing, drop, failing, hasten, how_many_fail
from tests.integration.sagas.ingests import Crash, Ingests
from tests.integration.sagas.test_effects import Reading, dying, runner_of
from tests.integration.sagas.test_effects_fail_alone import EFFECT
from tests.integration.sagas.test_fails_alone import write_command


def test_garbage_is_listed_after_five_failures_and_can_be_dropped(ingests: Ingests):
    id = write_command(ingests, "[]")
    ingests.do(EFFECT, "evt_nowhere", 10**9, 0, 0)
    dispatcher, runner = ingests.dispatcher(), runner_of(ingests, Reading())
    for tries in range(FAILING_AFTER):
        with ingests.pool.connection() as connection:
            assert how_many_fail(connection) == 0, tries
        dispatcher.send_one()
        runner.work_one()
        ingests.let_time_pass()
    with ingests.pool.connection() as connection:
        found = {each.kind: each for each in failing(connection)}
        assert (found["command"].id, found["command"].name) == (id, "RequestProbe")
        assert (found["effect"].id, found["effect"].name) == ("evt_nowhere", "reading")
        assert "NoIntent" in found["effect"].error
        whole = json.loads(drop(connection, "command", id, "RequestProbe"))
        assert (whole["command_id"], whole["body"]) == (id, [])
        assert json.loads(drop(connection, "effect", "evt_nowhere", "reading"))["position"] == 10**9
        assert failing(connection) == []


def test_work_that_is_tried_at_once_counts_from_nothing(ingests: Ingests):
    id = write_command(ingests, "[]", attempts=9)
    dispatcher = ingests.dispatcher()
    assert dispatcher.send_one()
    assert not dispatcher.send_one()
    with ingests.pool.connection() as connection:
        hasten(connection, "command", id, "RequestProbe")
        assert how_many_fail(connection) == 0
    assert dispatcher.send_one()


def test_work_that_is_well_or_in_somebodys_hands_is_left_alone(ingests: Ingests):
    well = write_command(ingests)
    asset_id = ingests.upload()
    (uploaded,) = ingests.log.events.stream(asset_id)
    ingests.do(EFFECT, uploaded.event_id, uploaded.position, 7, 7)
    ingests.do("UPDATE effects SET error = 'before'")
    with pytest.raises(Crash):
        runner_of(ingests, Reading(behave=dying)).work_one()
    with ingests.pool.connection() as connection:
        for kind, id, name in (
            ("command", well, "RequestProbe"),
            ("effect", uploaded.event_id, "reading"),
            ("effect", "evt_none", "reading"),
        ):
            for operate in (hasten, drop):
                with pytest.raises(NotFailing):
                    operate(connection, kind, id, name)
