"""What "at P" means: R >= P and each partition's checkpoint >= min(P, its last position)."""

from __future__ import annotations

import time

import pytest
from psycopg_pool import ConnectionPool

from events.log.partitions import STORE, LogPartition, topic_of
from events.log.postgres import StoreLog
from events.log.progress import LogProgress, UnknownConsumer
from processors.consumers.registry import register
from processors.rebuild import Rebuilder
from tests.integration.consumers.support import (
    Tally,
    Writer,
    caught_up,
    eventually,
    make_tally,
    running,
)

ASSETS = topic_of("asset")


def set_up(pool: ConnectionPool, *, relayed: int, heads: dict[int, int], at: dict[int, int]) -> int:
    """The position of a consumer of assets whose partitions are so."""
    register(pool, Tally(), [LogPartition(ASSETS, number) for number in range(12)])
    with pool.connection() as connection:
        connection.execute("UPDATE relay_progress SET position = %s", (relayed,))
        for number, position in heads.items():
            connection.execute(
                "INSERT INTO relay_heads VALUES (%s, %s, %s)", (ASSETS, number, position)
            )
        for number, position in at.items():
            connection.execute(
                "UPDATE checkpoints SET position = %s WHERE partition = %s", (position, number)
            )
    return LogProgress(pool, "kafka").consumer_position("tally")


def test_a_quiet_partition_does_not_hold_the_consumer_back(pool: ConnectionPool):
    assert set_up(pool, relayed=90, heads={0: 5, 3: 80}, at={0: 5, 3: 80}) == 90


def test_a_lagging_partition_does(pool: ConnectionPool):
    assert set_up(pool, relayed=90, heads={0: 70, 3: 80}, at={0: 20, 3: 80}) == 20


def test_what_is_not_relayed_is_not_reached(pool: ConnectionPool):
    assert set_up(pool, relayed=50, heads={0: 60}, at={0: 60}) == 50


@pytest.mark.parametrize(("at", "position"), [(20, 74), (21, 74), (75, 75), (19, 19), (80, 90)])
def test_a_batch_on_its_way_holds_back_no_more_than_its_own_events(
    pool: ConnectionPool, at: int, position: int
):
    """Partition 0 ended at 20 when 75 and 80 were published into it."""
    with pool.connection() as connection:
        connection.execute("INSERT INTO relay_heads VALUES (%s, 0, 80, 20, 75)", (ASSETS,))
    assert set_up(pool, relayed=90, heads={}, at={0: at}) == position


def test_other_categories_do_not_count(pool: ConnectionPool):
    with pool.connection() as connection:
        connection.execute("INSERT INTO relay_heads VALUES (%s, 0, 99)", (topic_of("account"),))
    assert set_up(pool, relayed=99, heads={0: 7}, at={0: 7}) == 99


def test_a_wait_for_what_never_comes_ends_in_time(pool: ConnectionPool):
    set_up(pool, relayed=1, heads={0: 1}, at={})
    began = time.monotonic()
    assert not LogProgress(pool, "kafka").wait_until("tally", 1, timeout_s=0.2)
    assert 0.2 <= time.monotonic() - began < 2


def test_an_unknown_consumer_is_named(pool: ConnectionPool):
    with pytest.raises(UnknownConsumer, match="nobody"):
        LogProgress(pool, "kafka").consumer_position("nobody")


def test_without_a_broker_the_store_knows_what_is_left(
    pool: ConnectionPool,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
):
    make_tally(pool)
    position = writer.lives(10)
    with running([Tally()], store_log, pool, rebuilder):
        caught_up(progress, "tally", position)
    writer.upload()
    assert progress.relayed() == position + 1
    behind = progress.all()[0]
    assert (behind.position, behind.lag) == (position, 1)


def test_without_a_broker_other_categories_do_not_count(
    pool: ConnectionPool, writer: Writer, progress: LogProgress
):
    register(pool, Assets(), [STORE])
    asset, _ = writer.upload()
    writer.request_analysis(asset)
    position = writer.request_analysis(asset, 2)
    with pool.connection() as connection:
        connection.execute("UPDATE checkpoints SET position = 1")
    assert progress.consumer_position("assets") == position
    writer.delete(asset)
    eventually(lambda: progress.consumer_position("assets") == position)


class Assets(Tally):
    name, categories = "assets", ("asset",)
