"""An event that cannot be digested parks its stream; others go on; money consumers stop."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.vault.asset import AssetDeleted
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.replay import replay
from processors.consumers.status import consumers_status
from processors.rebuild import Rebuilder
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


def letters(pool: ConnectionPool) -> list[tuple[object, ...]]:
    with pool.connection() as connection:
        return connection.execute(
            "SELECT position, state, error IS NOT NULL FROM dead_letters ORDER BY position"
        ).fetchall()


def test_a_poison_event_parks_its_stream_and_nobody_else(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    for _ in range(20):
        writer.upload()
    bad, poison = writer.upload("poison.wav")
    for _ in range(20):
        writer.upload()
    later = writer.delete(bad)
    with running([ProjectionConsumer(Shelf())], store_log, pool, rebuilder):
        caught_up(progress, "shelf", later)
        assert [row[0] for row in rows_of(pool)] == [
            row[0] for row in expected_rows(pool) if row[0] != bad
        ]
        assert letters(pool) == [(poison, "parked", True), (later, "parked", False)]
        assert consumers_status(progress)["consumers"][0]["parked"] == 1

        failed = replay(pool, ProjectionConsumer(Shelf()), codec_of(pool))
        assert list(failed.failed) == [bad]
        done = replay(pool, ProjectionConsumer(Digests()), codec_of(pool))
        assert (done.streams, done.events, done.failed) == (1, 2, {})
        assert rows_of(pool) == expected_rows(pool)
        assert [state for _, state, _ in letters(pool)] == ["replayed", "replayed"]

        caught_up(progress, "shelf", writer.delete(bad))
        assert len(letters(pool)) == 2, "the stream runs live again"


def test_a_money_consumer_stops_before_the_event_and_says_so(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    for _ in range(3):
        writer.upload()
    writer.upload("poison.wav")
    writer.upload()
    with running([Tally(money=True)], store_log, pool, rebuilder):
        eventually(lambda: progress.all() and progress.all()[0].stopped)
    assert tallied(pool) == [1, 2, 3]
    assert progress.consumer_position("tally") == 3
    assert "never skips" in str(progress.all()[0].stopped)
    with running([Tally(money=True, indigestible="")], store_log, pool, rebuilder):
        caught_up(progress, "tally", 5)
        eventually(lambda: progress.all()[0].stopped is None)
    assert tallied(pool) == [1, 2, 3, 4, 5]


def test_unknown_types_are_skipped_and_newer_versions_stop_the_consumer(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    asset, _ = writer.upload()
    deleted = _deletion_of(asset)
    writer.append(asset, deleted, type="asset.remastered")
    writer.upload()
    writer.append(asset, deleted, version=99)
    writer.upload()
    with running([Tally()], store_log, pool, rebuilder):
        eventually(lambda: progress.all() and progress.all()[0].stopped)
    assert tallied(pool) == [1, 3]
    assert "upgrade it" in str(progress.all()[0].stopped)


def _deletion_of(asset: AssetId) -> AssetDeleted:
    return AssetDeleted(asset_id=asset, workspace_id=WORKSPACE, deleted_by=ACCOUNT, sha256=SHA)
