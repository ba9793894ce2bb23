"""A rebuild that was killed goes on from its own checkpoint, wherever it died."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg_pool import ConnectionPool

from events.log.partitions import STORE
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from processors.consumers import builds
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import LOCK_CLASS, register
from processors.rebuild import Rebuilder
from processors.rebuild_errors import RebuildRunning
from runtime.installation import ROOT
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Writer,
    caught_up,
    codec_of,
    eventually,
    expected_rows,
    rows_of,
    running,
)


class CountingCodec:
    """Decodes, and remembers the positions."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._codec, self.positions = codec_of(pool), []

    def decode(self, event):
        self.positions.append(event.position)
        return self._codec.decode(event)


@contextmanager
def rebuilding(database: Database, parked_at: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A child that rebuilds the shelf; killed at the end if it still runs."""
    module = "tests.integration.consumers.rebuild_process"
    child = subprocess.Popen(
        [sys.executable, "-m", module, database.worker_url, str(parked_at)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def alone(pool: ConnectionPool) -> bool:
    """The killed one's session lock is gone."""
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s"
            " AND objid = hashtext('rebuild shelf')::bigint & 4294967295",
            (LOCK_CLASS,),
        ).fetchone()
    return row == (0,)


def test_a_killed_rebuild_goes_on_from_its_own_checkpoint(
    database: Database, pool: ConnectionPool, writer: Writer, rebuilder: Rebuilder
):
    last = writer.lives(100)
    shelf = ProjectionConsumer(Shelf())
    register(pool, shelf, [STORE])
    with pool.connection() as connection:
        connection.execute("UPDATE checkpoints SET position = %s", (last,))
    with rebuilding(database, parked_at=last - 5) as child:
        assert child.stdout.readline() == "parked\n"
        with pytest.raises(RebuildRunning):
            rebuilder.rebuild(shelf)
    eventually(lambda: alone(pool))
    with pool.connection() as connection:
        left = builds.find(connection, shelf, "making")
    assert left.reached.position >= last - 45, "all pages but the last two are in it"

    codec = CountingCodec(pool)
    done = Rebuilder(pool, codec, "postgres").rebuild(shelf)
    assert codec.positions == list(range(left.reached.position + 1, last + 1))
    assert (done.events, done.identical) == (last, False), "the live build was left empty here"
    assert rows_of(pool) == expected_rows(pool)


def test_a_build_of_another_program_is_not_gone_on_with(
    database: Database, pool: ConnectionPool, writer: Writer, monkeypatch
):
    last = writer.lives(50)
    shelf = ProjectionConsumer(Shelf())
    register(pool, shelf, [STORE])
    with pool.connection() as connection:
        connection.execute("UPDATE checkpoints SET position = %s", (last,))
    with rebuilding(database, parked_at=last) as child:
        assert child.stdout.readline() == "parked\n"
    eventually(lambda: alone(pool))
    monkeypatch.setattr(Shelf, "table_sql", Shelf.table_sql + "-- corrected")
    codec = CountingCodec(pool)
    Rebuilder(pool, codec, "postgres").rebuild(shelf)
    assert codec.positions == list(range(1, last + 1))
    assert rows_of(pool) == expected_rows(pool)


@pytest.mark.parametrize("seed", [11])
def test_killed_at_random_under_live_writes_it_ends_identical(
    seed: int,
    database: Database,
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    chance, last, end = random.Random(seed), [writer.lives(200)], threading.Event()
    with running([ProjectionConsumer(Shelf())], store_log, pool, rebuilder):
        caught_up(progress, "shelf", last[0])

        def write() -> None:
            number = 2
            while not end.is_set():
                last[0] = writer.lives(5, seed=number)
                number += 1

        writing = threading.Thread(target=write)
        writing.start()
        for _ in range(3):
            with rebuilding(database):
                time.sleep(chance.uniform(0.0, 0.25))
            eventually(lambda: alone(pool))
        done = rebuilder.rebuild(ProjectionConsumer(Shelf()))
        end.set()
        writing.join()
        assert done.identical is True
        caught_up(progress, "shelf", last[0])
        assert rows_of(pool) == expected_rows(pool)
