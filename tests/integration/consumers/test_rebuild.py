"""A rebuild works beside the live build and takes its place in one transaction."""

from __future__ import annotations

import random
import threading

import pytest
from psycopg_pool import ConnectionPool

from events.envelope import Recorded
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.store.postgres import PostgresEvents
from events.vault.asset import AssetUploaded
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import create_build
from processors.rebuild import Rebuilder
from processors.rebuild_errors import NotRebuildable, RebuildStopped
from projections.projection import Projection, Rows
from tests.integration.consumers.support import (
    WORKSPACE,
    Counts,
    Shelf,
    Tally,
    Writer,
    caught_up,
    codec_of,
    digest,
    expected_rows,
    rows_of,
    running,
)


class Shelf2(Shelf, name="shelf", version=2, categories=("analysis", "asset"), holds=Shelf.holds):
    """Another version says it in capitals."""

    def fold(self, rows: Rows, event: Recorded) -> None:
        super().fold(rows, event)
        if isinstance(event.data, AssetUploaded):
            rows.upsert(event.data.asset_id, filename=event.data.filename.upper())


# Composition takes every registered projection.
del Projection.registered["shelf"]


def schemas(pool: ConnectionPool) -> list[str]:
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'view\\_%' ORDER BY 1"
        ).fetchall()
    return [name for (name,) in rows]


def test_a_rebuild_under_live_writes_is_identical_and_loses_nothing(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    writer.lives(100)
    last = [0]
    consumer = ProjectionConsumer(Shelf())
    with running([consumer], store_log, pool, rebuilder):
        caught_up(progress, "shelf", 1)
        writing = threading.Thread(target=lambda: last.append(writer.lives(150, seed=2)))
        writing.start()
        rebuilt = [rebuilder.rebuild(ProjectionConsumer(Shelf())) for _ in range(5)]
        writing.join()
        assert [one.identical for one in rebuilt] == [True] * 5
        caught_up(progress, "shelf", last[-1])
        assert rows_of(pool) == expected_rows(pool)
    assert schemas(pool) == ["view_shelf_1_5", "view_shelf_1_6"], "only the last one is kept"


def test_sums_and_greatest_values_are_rebuilt_as_they_are_live(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    writer.lives(100)
    last = [0]
    with running([ProjectionConsumer(Counts())], store_log, pool, rebuilder):
        caught_up(progress, "counts", 1)
        writing = threading.Thread(target=lambda: last.append(writer.lives(150, seed=2)))
        writing.start()
        rebuilt = [rebuilder.rebuild(ProjectionConsumer(Counts())) for _ in range(3)]
        writing.join()
        assert [one.identical for one in rebuilt] == [True] * 3
        caught_up(progress, "counts", last[-1])
        found = {row[:2]: row[2:] for row in rows_of(pool, "counts")}
    with pool.connection() as connection:
        uploads, deletes, megabytes, last_at, name, attempts, kept = connection.execute(
            "WITH e AS (SELECT *, convert_from(data, 'UTF8')::jsonb AS d FROM events)"
            " SELECT count(*) FILTER (WHERE type = 'asset.uploaded'),"
            " count(*) FILTER (WHERE type = 'asset.deleted'),"
            " sum((d->>'size_bytes')::numeric) / 1000000,"
            " max(recorded_at) FILTER (WHERE type <> 'asset.deleted'),"
            " max(d->>'filename' COLLATE \"C\"),"
            " count(*) FILTER (WHERE type = 'analysis.requested'),"
            " count(*) FILTER (WHERE type = 'asset.uploaded' AND NOT EXISTS (SELECT FROM events o"
            "  WHERE o.stream_id = e.stream_id AND o.type = 'asset.deleted')) FROM e"
        ).fetchone()
    all_of_it = (None, uploads - deletes, megabytes, None, last_at, name)
    assert found.pop((WORKSPACE, "all")) == all_of_it
    assert sum(row[3] or 0 for row in found.values()) == attempts
    assert sum(1 for owner, _ in found if owner.startswith("ast")) == kept > 0


def test_a_rebuild_stops_at_poison_and_the_live_build_stays(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    writer.upload()
    _, poison = writer.upload("poison.wav")
    with running([ProjectionConsumer(Shelf())], store_log, pool, rebuilder):
        caught_up(progress, "shelf", poison)
        before = rows_of(pool)
        with pytest.raises(RebuildStopped, match=f"position {poison}"):
            rebuilder.rebuild(ProjectionConsumer(Shelf()))
        _, position = writer.upload()
        caught_up(progress, "shelf", position)
        assert len(rows_of(pool)) == len(before) + 1


def test_a_new_version_is_built_at_worker_start_and_then_goes_on_live(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    position = writer.lives(20)
    with running([ProjectionConsumer(Shelf())], store_log, pool, rebuilder):
        caught_up(progress, "shelf", position)
    with running([ProjectionConsumer(Shelf2())], store_log, pool, rebuilder):
        _, position = writer.upload("late.wav")
        caught_up(progress, "shelf", position)
        assert progress.all()[0].version == 2
        assert [row[1] for row in rows_of(pool)] == [
            row[1] and row[1].upper() for row in expected_rows(pool)
        ]


def test_only_read_models_are_rebuilt(rebuilder: Rebuilder):
    with pytest.raises(NotRebuildable):
        rebuilder.rebuild(Tally())


def test_any_interleaving_of_streams_in_any_batches_gives_the_same_bytes(
    pool: ConnectionPool, writer: Writer
):
    writer.lives(40)
    codec = codec_of(pool)
    events = [codec.decode(event) for event in PostgresEvents(pool).after(0, 10_000)]
    digests = set()
    for seed in range(6):
        consumer = ProjectionConsumer(Shelf())
        with pool.connection() as connection, connection.transaction():
            schema = create_build(connection, consumer.projection, seed)
            consumer.use_build(seed)
            for batch in _shuffled_batches(events, random.Random(seed)):
                consumer.apply(connection, batch)
            digests.add(digest(connection, schema, "shelf"))
    assert len(digests) == 1


def _shuffled_batches(events: list[Recorded], chance: random.Random) -> list[list[Recorded]]:
    """Streams interleave at random, each in its own order; batches of random sizes."""
    streams: dict[str, list[Recorded]] = {}
    for event in events:
        streams.setdefault(event.stream_id, []).append(event)
    shuffled = []
    while streams:
        stream = chance.choice(list(streams))
        shuffled.append(streams[stream].pop(0))
        if not streams[stream]:
            del streams[stream]
    batches = []
    while shuffled:
        size = chance.randint(1, 30)
        batches.append(shuffled[:size])
        shuffled = shuffled[size:]
    return batches
