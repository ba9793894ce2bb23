"""What becomes of a parked stream: later events, replays that fail or race, the operator's list."""

from __future__ import annotations

import threading

import pytest
from psycopg_pool import ConnectionPool

from events.envelope import Recorded
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.vault.asset import AssetDeleted
from processors.consumers.parking import all_parked
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.replay import replay
from processors.rebuild import Rebuilder
from processors.rebuild_errors import RebuildStopped
from projections.projection import Projection, Rows
from tests.integration.consumers.support import (
    ACCOUNT,
    SHA,
    WORKSPACE,
    Digests,
    Shelf,
    Tally,
    Writer,
    caught_up,
    codec_of,
    eventually,
    expected_rows,
    make_tally,
    rows_of,
    running,
    tallied,
)


class Slow(Digests, name="shelf", version=1, categories=("analysis", "asset"), holds=Digests.holds):
    """Waits inside its replay until it is told to go on."""

    def __init__(self) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()

    def fold(self, rows: Rows, event: Recorded) -> None:
        super().fold(rows, event)
        self.inside.set()
        assert self.go_on.wait(20)


# Composition takes every registered projection.
del Projection.registered["shelf"]


def shelf() -> ProjectionConsumer:
    return ProjectionConsumer(Shelf())


def test_the_operator_sees_which_event_why_and_how_many_wait_behind_it(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    bad, poison = writer.upload("poison.wav")
    writer.delete(bad)
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.delete(bad))
    with pool.connection() as connection:
        (parked,) = all_parked(connection)
        assert all_parked(connection, "nobody") == []
        stored = connection.execute(
            "SELECT event_id FROM events WHERE position = %s", (poison,)
        ).fetchone()
    assert (parked.consumer, parked.stream_id, parked.position) == ("shelf", bad, poison)
    assert (parked.event_id, parked.type, parked.waiting) == (stored[0], "asset.uploaded", 3)
    assert parked.error.startswith("ValueError at tests/integration/consumers/support.py:")
    assert "poison.wav" not in parked.error, "it may be what somebody wrote"


def test_a_replay_that_fails_again_keeps_every_letter_and_one_after_the_fix_takes_them_in_order(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    bad, _ = writer.upload("poison.wav")
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.delete(bad))
        for _ in range(2):
            assert list(replay(pool, shelf(), codec_of(pool)).failed) == [bad]
        caught_up(progress, "shelf", writer.delete(bad))
        with pool.connection() as connection:
            assert all_parked(connection)[0].waiting == 3
        done = replay(pool, ProjectionConsumer(Digests()), codec_of(pool))
        assert (done.streams, done.events) == (1, 3)
        assert rows_of(pool) == expected_rows(pool)


def test_what_arrives_while_a_stream_is_replayed_comes_after_it_and_once(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    bad, _ = writer.upload("poison.wav")
    slow = Slow()
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.upload()[1])
        done = []
        replaying = threading.Thread(
            target=lambda: done.append(replay(pool, ProjectionConsumer(slow), codec_of(pool)))
        )
        replaying.start()
        assert slow.inside.wait(20)
        last = writer.delete(bad)
        # The live batch stands at the stream's lock now: neither applied nor put aside.
        eventually(lambda: waits_for_a_row(pool))
        slow.go_on.set()
        replaying.join(20)
        caught_up(progress, "shelf", last)
    assert (done[0].events, done[0].failed) == (1, {})
    assert rows_of(pool) == expected_rows(pool), "deleted after it was uploaded"
    with pool.connection() as connection:
        assert all_parked(connection) == []


def waits_for_a_row(pool: ConnectionPool) -> bool:
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        ).fetchone()
    return row[0] > 0


def test_a_newer_version_of_an_event_parks_nothing_and_says_upgrade(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    asset, _ = writer.upload()
    deleted = AssetDeleted(asset_id=asset, workspace_id=WORKSPACE, deleted_by=ACCOUNT, sha256=SHA)
    writer.append(asset, deleted, version=99)
    writer.upload()
    with running([Tally(), shelf()], store_log, pool, rebuilder):
        eventually(lambda: [c for c in progress.all() if "upgrade it" in (c.stopped or "")] != [])
        eventually(lambda: len([c for c in progress.all() if c.stopped]) == 2)
    assert tallied(pool) == [1]
    with pool.connection() as connection:
        assert all_parked(connection) == []
        # As far as the live build is, a rebuild has nothing to stop at.
        connection.execute("UPDATE checkpoints SET position = 3 WHERE consumer = 'shelf'")
    with pytest.raises(RebuildStopped, match="upgrade"):
        rebuilder.rebuild(shelf())


def test_a_letter_names_the_event_and_the_log_still_has_it(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    _, poison = writer.upload("poison.wav")
    with running([Tally()], store_log, pool, rebuilder):
        caught_up(progress, "tally", poison)
    with pool.connection() as connection:
        found = connection.execute(
            "SELECT d.position, e.type FROM dead_letters d JOIN events e USING (event_id, position)"
        ).fetchall()
    assert found == [(poison, "asset.uploaded")]
