"""The trash is emptied when its time is over, whatever comes between the timer and the command."""

from __future__ import annotations

import pytest
from psycopg_pool import ConnectionPool

from aggregates.vault import asset
from commands.unit import Commands
from events.ids import AssetId, EmptyingId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from sagas.vault.emptying import EMPTYING
from tests.integration.sagas.ingests import ACCOUNT, Ingests


@pytest.fixture
def trash(commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> Ingests:
    return Ingests(commands, log, pool, codec, saga=EMPTYING)


def put(trash: Ingests, asset_id: AssetId) -> None:
    trash._change(asset_id, asset.trash, trashed_by=ACCOUNT, now=trash.log.clock.now())
    trash.feed()


def outcome(trash: Ingests, asset_id: AssetId) -> tuple[str, str | None]:
    """(what happened last to the recording, how its saga has ended)"""
    trash.feed()
    step = trash.log.events.stream(EmptyingId.beside(asset_id))[-1].to_json()["data"]
    return trash.types(asset_id)[-1], step["memory"].get("outcome")


def test_the_trash_is_emptied_when_its_time_is_over(trash: Ingests):
    asset_id = trash.upload()
    put(trash, asset_id)
    assert trash.timers_set() == ["empty"]
    assert not trash.timers().fire_one()
    trash.let_time_pass()
    assert trash.timers().fire_one()
    assert trash.dispatcher().send_one()
    assert outcome(trash, asset_id) == ("asset.deleted", "deleted")
    assert (trash.timers_set(), trash.commands_waiting()) == ([], [])


@pytest.mark.parametrize("put_in_again", [False, True])
def test_what_is_taken_out_as_the_timer_fires_stays(trash: Ingests, put_in_again: bool):
    asset_id = trash.upload()
    put(trash, asset_id)
    trash.let_time_pass()
    assert trash.timers().fire_one()
    trash._change(asset_id, asset.restore, restored_by=ACCOUNT)
    if put_in_again:
        put(trash, asset_id)
    assert trash.dispatcher().send_one()
    if put_in_again:
        assert outcome(trash, asset_id) == ("asset.trashed", None)
        assert trash.timers_set() == ["empty"]
    else:
        assert outcome(trash, asset_id) == ("asset.restored", "restored")
        assert trash.timers_set() == []


def test_a_deletion_by_hand_leaves_no_timer(trash: Ingests):
    asset_id = trash.upload()
    put(trash, asset_id)
    trash.delete(asset_id)
    assert outcome(trash, asset_id) == ("asset.deleted", "deleted")
    assert trash.timers_set() == []
