"""Who waits for a consumer is told; whom the word does not reach looks by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.progress_tail import CHANNEL, ProgressTail
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from tests.conftest import Database
from tests.integration.consumers.support import (
    Shelf,
    Tally,
    Writer,
    eventually,
    make_tally,
    running,
)


@pytest.fixture
def tail(database: Database) -> Iterator[ProgressTail]:
    tail = ProgressTail(database.worker_url)
    yield tail
    tail.close()


def listening(pool: ConnectionPool) -> bool:
    with pool.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND query = %s AND state = 'idle'",
            (f"LISTEN {CHANNEL}",),
        ).fetchone()
    return row is not None and row[0] > 0


def test_a_batch_of_a_view_wakes_who_waits_for_it(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    rebuilder: Rebuilder,
    tail: ProgressTail,
):
    moves = tail.moves("shelf")
    eventually(lambda: listening(pool))
    with running([ProjectionConsumer(Shelf())], store_log, pool, rebuilder):
        _, position = writer.upload()
        eventually(lambda: tail.moves("shelf") > moves)
        assert LogProgress(pool, "postgres", tail).wait_until("shelf", position, timeout_s=20)
    assert tail.moves("vault") == 0


def test_who_waits_for_another_view_is_left_alone(pool: ConnectionPool, tail: ProgressTail):
    tail.moves("shelf")
    eventually(lambda: listening(pool))
    with pool.connection() as connection:
        connection.execute("SELECT pg_notify(%s, 'vault')", (CHANNEL,))
        eventually(lambda: tail.moves("vault") == 1)
        assert tail.moves("shelf") == 0
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
        eventually(lambda: (tail.moves("shelf"), tail.moves("vault")) == (1, 2))


def test_whom_the_word_does_not_reach_looks_by_itself(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    rebuilder: Rebuilder,
    tail: ProgressTail,
):
    make_tally(pool)
    progress = LogProgress(pool, "postgres", tail)
    # No view: nobody is told when it moves.
    with running([Tally()], store_log, pool, rebuilder):
        assert progress.wait_until("tally", writer.lives(5), timeout_s=20)


def test_it_listens_again_after_its_connection_was_ended(
    database: Database, pool: ConnectionPool, tail: ProgressTail
):
    tail.moves("shelf")
    eventually(lambda: listening(pool))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s",
            (f"LISTEN {CHANNEL}",),
        )
        eventually(lambda: listening(pool))
        owner.execute("SELECT pg_notify(%s, 'shelf')", (CHANNEL,))
    eventually(lambda: tail.moves("shelf") == 1)


def test_an_end_lets_go_whoever_waits(database: Database):
    tail = ProgressTail(database.worker_url)
    moves, began = tail.moves("shelf"), time.monotonic()
    waiting = threading.Thread(target=tail.wait, args=("shelf", moves, 60.0))
    waiting.start()
    tail.close()
    waiting.join(20)
    assert not waiting.is_alive()
    assert time.monotonic() - began < 20
