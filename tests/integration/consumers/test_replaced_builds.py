"""The build that a rebuild replaced is kept until that is confirmed, and can take its place back;
nobody is stopped for it.
"""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from processors import rebuild
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from processors.rebuild_errors import NothingKept, OtherProgram
from projections.projection import Projection
from tests.integration.consumers.support import (
    Shelf,
    Tally,
    Writer,
    caught_up,
    codec_of,
    eventually,
    expected_rows,
    rows_of,
    running,
)


class Shelf2(Shelf, name="shelf", version=2, categories=("analysis", "asset"), holds=Shelf.holds):
    """The next version of the same program."""


class Tolerant(Shelf, name="shelf", version=1, categories=("analysis", "asset"), holds=Shelf.holds):
    """The corrected program."""

    indigestible = None


# Composition takes every registered projection.
del Projection.registered["shelf"]


def shelf() -> ProjectionConsumer:
    return ProjectionConsumer(Shelf())


def builds_of(pool: ConnectionPool) -> list[tuple[str, int]]:
    with pool.connection() as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'view\\_%' ORDER BY 1"
        ).fetchall()
        rows = connection.execute("SELECT state, build FROM builds ORDER BY build").fetchall()
    assert len(schemas) == len(rows) + 1, "each schema is the live one or has a row"
    return rows


def test_the_replaced_build_comes_back_with_all_that_happened_since(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(50))
        rebuilder.rebuild(shelf())
        assert builds_of(pool) == [("kept", 1)]
        caught_up(progress, "shelf", writer.lives(50, seed=2))
        back = rebuilder.roll_back(shelf())
        assert back.events > 50, "what happened since was folded into it"
        assert builds_of(pool) == [("kept", 2)]
        assert rows_of(pool) == expected_rows(pool)
        caught_up(progress, "shelf", writer.lives(20, seed=3))
        assert rows_of(pool) == expected_rows(pool), "and it goes on live"


def test_a_confirmed_rebuild_cannot_go_back(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(5))
        assert rebuilder.confirm(shelf()) is False
        rebuilder.rebuild(shelf())
        assert rebuilder.confirm(shelf()) is True
        assert builds_of(pool) == []
        with pytest.raises(NothingKept, match="rebuild"):
            rebuilder.roll_back(shelf())


def test_what_was_kept_long_enough_is_dropped(
    pool: ConnectionPool, writer: Writer, store_log: StoreLog, progress: LogProgress
):
    rebuilder = Rebuilder(pool, codec_of(pool), "postgres", keep_s=0)
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(5))
        Rebuilder(pool, codec_of(pool), "postgres", keep_s=3600).rebuild(shelf())
        rebuilder.confirm_overdue()
        assert builds_of(pool) == [("kept", 1)]
        rebuilder.rebuild(shelf())
        rebuilder.confirm_overdue()
        assert builds_of(pool) == []


def test_a_program_of_another_version_neither_parks_nor_rolls_back_what_is_not_its_own(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(10))
        rebuilder.rebuild(ProjectionConsumer(Shelf2()))
        writer.lives(5, seed=2)
        eventually(lambda: "upgrade it" in str(progress.all()[0].stopped))
        assert progress.all()[0].parked == 0
    with pytest.raises(OtherProgram, match="version 1"):
        rebuilder.roll_back(ProjectionConsumer(Shelf2()))
    rebuilder.roll_back(shelf())
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(5, seed=3))
        assert rows_of(pool) == expected_rows(pool)


def test_streams_that_the_replaced_build_had_parked_are_parked_again(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    bad, _ = writer.upload("poison.wav")
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(5))
        rebuilder.rebuild(ProjectionConsumer(Tolerant()))
    with running([ProjectionConsumer(Tolerant())], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.delete(bad))
    assert rows_of(pool) == expected_rows(pool)
    rebuilder.roll_back(shelf())
    assert progress.all()[0].parked == 1
    assert bad not in [row[0] for row in rows_of(pool)]
    with pool.connection() as connection:
        letters = connection.execute(
            "SELECT error IS NULL FROM dead_letters WHERE state = 'parked' ORDER BY position"
        ).fetchall()
    assert letters == [(False,), (True,)], "the poison, and what came for its stream since"


def test_the_live_build_goes_on_while_the_bytes_are_compared(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
    monkeypatch: pytest.MonkeyPatch,
):
    same_bytes, went_on = rebuild.same_bytes, []

    def slowly(*arguments: object) -> bool:
        _, position = writer.upload("meanwhile.wav")
        caught_up(progress, "shelf", position)
        went_on.append(position)
        return same_bytes(*arguments)

    monkeypatch.setattr(rebuild, "same_bytes", slowly)
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(50))
        done = rebuilder.rebuild(shelf())
        assert went_on
        assert done.identical is True, "the snapshot knows nothing of what came meanwhile"
        assert rows_of(pool) == expected_rows(pool)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE views.shelf SET size_bytes = size_bytes + 1 WHERE asset_id = %s",
        "DELETE FROM views.shelf WHERE asset_id = %s",
        "INSERT INTO views.shelf (asset_id) VALUES (%s || 'x')",
    ],
)
def test_bytes_that_differ_are_found(
    damage: str,
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    asset, position = writer.upload()
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", position)
        with pool.connection() as connection:
            connection.execute(damage, (asset,))
        assert rebuilder.rebuild(shelf()).identical is False
        assert rows_of(pool) == expected_rows(pool), "the new build heals it"


def test_a_long_query_on_the_view_delays_the_swap_and_not_the_live_build(
    database, pool: ConnectionPool, writer: Writer, store_log: StoreLog, progress, rebuilder
):
    with running([shelf()], store_log, pool, rebuilder):
        caught_up(progress, "shelf", writer.lives(20))
        done: list[bool | None] = []
        with psycopg.connect(database.worker_url) as reader:
            before = len(reader.execute("SELECT * FROM views.shelf").fetchall())
            rebuilding = threading.Thread(
                target=lambda: done.append(rebuilder.rebuild(shelf()).identical)
            )
            rebuilding.start()
            for _ in range(3):
                _, position = writer.upload()
                caught_up(progress, "shelf", position)
            assert not done
            assert before > 0
        rebuilding.join(30)
        assert done == [True]
        assert rows_of(pool) == expected_rows(pool)


def test_only_read_models_have_builds(rebuilder: Rebuilder):
    for refused in (rebuilder.roll_back, rebuilder.confirm):
        with pytest.raises(Exception, match="only projections"):
            refused(Tally())
