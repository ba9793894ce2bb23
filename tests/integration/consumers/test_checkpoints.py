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
from processors.consumers.checkpoints import CheckpointMoved, Checkpoints
from processors.consumers.consumer import TryAgain
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


def batches(pool: ConnectionPool) -> Batches:
    consumer = Tally()
    checkpoints = Checkpoints(pool, consumer)
    checkpoints.load()
    return Batches(pool, consumer, checkpoints, codec_of(pool))


def items(pool: ConnectionPool, after: int = 0) -> list[LogItem]:
    return [
        LogItem(event, STORE, Checkpoint(event.position))
        for event in PostgresEvents(pool).after(after, 100)
    ]


def test_of_two_owners_the_loser_rolls_back_its_whole_batch(pool: ConnectionPool, writer: Writer):
    make_tally(pool)
    register(pool, Tally(), [STORE])
    writer.lives(5)
    winner, loser = batches(pool), batches(pool)
    winner.process(items(pool)[:3])
    with pytest.raises(CheckpointMoved):
        loser.process(items(pool))
    assert tallied(pool) == [1, 2, 3]
    winner.process(items(pool, after=3))
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
    batches(pool).process(items(pool))
    register(pool, Tally(), [STORE])
    checkpoints = Checkpoints(pool, Tally())
    assert checkpoints.load().position(STORE) == 1


class Conflicting(Tally):
    """Loses a race for its first three batches, as a saga does against its own timer."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0

    def finish(self, connection) -> None:
        self.attempts += 1
        if self.attempts <= 3:
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
