"""The checkpoint moves in the transaction of its batch, by compare-and-swap."""

from __future__ import annotations

import pytest
from psycopg_pool import ConnectionPool

from events.log.partitions import STORE
from events.log.port import Checkpoint, LogItem
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.store.postgres import PostgresEvents
from processors.consumers.batch import Batches
from processors.consumers.checkpoints import CheckpointMoved, rows_of
from processors.consumers.consumer import TryAgain
from processors.consumers.group import Group
from processors.consumers.registry import UpgradeNeeded, register
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import (
    Tally,
    Writer,
    caught_up,
    codec_of,
    make_tally,
    running,
    tallied,
)


def group(pool: ConnectionPool, lane: str | None = None) -> Group:
    """The tally alone, where its rows say that it stands."""
    found = Group(lane)
    with pool.connection() as connection:
        for row in rows_of(connection, "tally"):
            found.vector[row.partition] = row.at
            found.join(Tally(), row.build, row.partition)
    return found


def items(pool: ConnectionPool, after: int = 0) -> list[LogItem]:
    return [
        LogItem(event, STORE, Checkpoint(event.position))
        for event in PostgresEvents(pool).after(after, 100)
    ]


def test_of_two_owners_the_loser_rolls_back_its_whole_batch(pool: ConnectionPool, writer: Writer):
    make_tally(pool)
    register(pool, Tally(), [STORE])
    writer.lives(5)
    batches = Batches(pool, codec_of(pool))
    winner, loser = group(pool), group(pool)
    batches.process(winner, items(pool)[:3])
    with pytest.raises(CheckpointMoved):
        batches.process(loser, items(pool))
    assert tallied(pool) == [1, 2, 3]
    batches.process(winner, items(pool, after=3))
    assert tallied(pool) == [item.envelope.position for item in items(pool)]


def test_a_consumer_of_a_newer_program_is_not_touched_by_an_older_one(pool: ConnectionPool):
    newer = Tally()
    newer.version = 2
    register(pool, newer, [STORE])
    with pytest.raises(UpgradeNeeded, match="upgrade it"):
        register(pool, Tally(), [STORE])


def test_registering_again_keeps_the_checkpoint(pool: ConnectionPool, writer: Writer):
    make_tally(pool)
    register(pool, Tally(), [STORE])
    writer.upload()
    Batches(pool, codec_of(pool)).process(group(pool), items(pool))
    register(pool, Tally(), [STORE])
    assert group(pool).vector.position(STORE) == 1


def test_of_two_lanes_that_hold_the_same_row_for_theirs_one_rolls_back(
    pool: ConnectionPool, writer: Writer
):
    make_tally(pool)
    register(pool, Tally(), [STORE])
    writer.lives(2)
    with pytest.raises(CheckpointMoved):
        Batches(pool, codec_of(pool)).process(group(pool, "processor"), items(pool))
    assert tallied(pool) == []


class Conflicting(Tally):
    """Loses a race for its first three batches, as a saga does against its own timer."""

    attempts = 0

    @classmethod
    def finish(cls, connection, consumers) -> None:
        cls.attempts += 1
        if cls.attempts <= 3:
            raise TryAgain


def test_a_batch_that_lost_a_race_is_rolled_back_and_comes_again(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    consumer, last = Conflicting(), writer.lives(5)
    with running([consumer], store_log, pool, rebuilder):
        caught_up(progress, "tally", last)
    assert tallied(pool) == list(range(1, last + 1))
    assert consumer.attempts > 3
