"""Timers as rows: at a time or after a while, kept or dropped, and what a firing knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from commands.unit import Commands
from events.ids import AssetId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.times import rfc3339
from tests.integration.sagas.ingests import Ingests
from tests.offering import DAY, OFFERING, STANDS, known, stream_of


@pytest.fixture
def offers(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
) -> Iterator[Ingests]:
    with known():
        yield Ingests(commands, log, pool, codec, saga=OFFERING)


def due(offers: Ingests) -> dict[str, datetime]:
    return dict(offers.rows("SELECT token, due_at FROM saga_timers"))


def steps(offers: Ingests, asset_id: AssetId) -> list[Any]:
    """`Recorded`, each with the step as its data."""
    (uploaded, *_) = offers.log.events.stream(asset_id, limit=1)
    recorded = offers.codec.decode(uploaded)
    assert recorded is not None
    stream = offers.log.events.stream(stream_of(recorded.data) or "")
    return [step for envelope in stream if (step := offers.codec.decode(envelope)) is not None]


def fire(offers: Ingests, token: str, due_at: datetime) -> None:
    offers.do("UPDATE saga_timers SET due_at = %s WHERE token = %s", due_at, token)
    assert offers.timers().fire_one()


def test_a_timer_is_due_at_its_time_or_after_the_step(offers: Ingests):
    asset_id = offers.upload()
    (uploaded,) = offers.log.events.stream(asset_id)
    offers.feed()
    (step,) = steps(offers, asset_id)
    assert due(offers) == {
        "expiry": uploaded.effective_at + STANDS,
        "look": step.effective_at + DAY,
    }


def test_a_firing_is_an_input_of_its_due_time_and_leaves_the_others(offers: Ingests):
    asset_id = offers.upload()
    offers.feed()
    expiry, long_ago = due(offers)["expiry"], offers.log.clock.now() - timedelta(days=3)
    fire(offers, "look", long_ago)
    step = steps(offers, asset_id)[-1]
    assert (step.data.input.at, step.data.kept) == (rfc3339(long_ago), ("expiry",))
    assert due(offers) == {"expiry": expiry, "look": step.effective_at + DAY}


def test_steps_of_one_batch_set_and_keep_as_if_they_came_alone(offers: Ingests):
    asset_id = offers.upload()
    offers.verify(asset_id)
    offers.feed()
    first, second = steps(offers, asset_id)
    assert [timer.token for timer in first.data.timers] == ["expiry", "look"]
    assert second.data.timers == ()
    assert due(offers).keys() == {"expiry", "look"}


def test_what_is_kept_over_several_batches_is_dropped_by_the_end(offers: Ingests):
    asset_id = offers.upload()
    offers.feed()
    before = due(offers)
    offers.verify(asset_id)
    offers.feed()
    assert due(offers) == before
    offers.delete(asset_id)
    offers.feed()
    assert due(offers) == {}


def test_a_time_that_has_passed_fires_at_once(offers: Ingests):
    asset_id = offers.upload()
    offers.feed()
    # As a saga that was late to hear of it would set it.
    fire(offers, "expiry", offers.log.clock.now() - STANDS)
    assert [step.data.state for step in steps(offers, asset_id)] == ["Open", "Ended"]
    assert (due(offers), offers.commands_waiting()) == ({}, ["RejectAsset"])
