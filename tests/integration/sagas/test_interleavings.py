"""The simulator's schedules against real Postgres: crashes are rolled back, answers are lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.store.log import PostgresLog
from processors.consumers.checkpoints import Move
from processors.consumers.group import Group
from tests.conftest import Database
from tests.integration.sagas.postgres_world import PostgresWorld
from tests.unit.simulator.schedules import search

SEED, SCHEDULES = 20_261_122, 100


@pytest.fixture
def world(database: Database) -> Iterator[Callable[[], PostgresWorld]]:
    """Commits do not wait for the disk: what a power cut does is the crash tests' business."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[arg-type]
    # Each world empties the log first.
    url = database.owner_url
    with ConnectionPool(url, min_size=3, max_size=6, kwargs={"autocommit": True}) as pool:
        log = PostgresLog(url, pool)
        PostgresWorld.prepare(pool, log)
        logging.disable(logging.CRITICAL)
        yield lambda: PostgresWorld(pool, log)
        logging.disable(logging.NOTSET)
        log.close()


def test_nothing_that_may_happen_loses_doubles_or_strands_anything_in_postgres(
    world: Callable[[], PostgresWorld],
):
    found = search(SEED, SCHEDULES, world)
    assert found is None, str(found)


def test_a_checkpoint_that_is_set_whatever_it_was_is_found_in_postgres_too(
    world: Callable[[], PostgresWorld], monkeypatch: pytest.MonkeyPatch
):
    def swap(self: Group, connection: psycopg.Connection, moves: Sequence[Move]) -> None:
        for move in moves:
            connection.execute(
                "UPDATE checkpoints SET position = %s"
                " WHERE consumer = %s AND topic = %s AND partition = %s",
                (move.to.position, move.consumer, *move.partition),
            )

    monkeypatch.setattr(Group, "_swap", swap)
    found = search(SEED, SCHEDULES, world)
    assert found is not None, "a check that finds nothing proves nothing"
