"""Checkpoints in Postgres: moved by compare-and-swap in the transaction of their batch.

`lane` says who moves a row: a worker's lane by its name, or nobody's lane (None), where the
consumer is brought up from the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from events.log.partitions import STORE, LogPartition
from events.log.port import Checkpoint, Vector
from processors.consumers.consumer import Connection


class CheckpointMoved(Exception):
    """Another worker was here first, or another build is live now: this batch is not ours."""


class NotStored(CheckpointMoved):
    """The store does not hold what the log gave: no event is to blame, and nothing is applied."""


@dataclass(frozen=True, slots=True)
class Row:
    """The checkpoint of a consumer's live build on one partition. `beyond` is the furthest that it
    has read otherwise: on Kafka, for the row of the store.
    """

    consumer: str
    version: int
    build: int
    partition: LogPartition
    at: Checkpoint
    lane: str | None
    beyond: int = 0

    @property
    def whole(self) -> bool:
        """Everything up to the checkpoint is applied, and nothing behind it."""
        return self.beyond <= self.at.position


@dataclass(frozen=True, slots=True)
class Move:
    """One row from a position to a checkpoint."""

    consumer: str
    build: int
    partition: LogPartition
    position: int
    to: Checkpoint


# Locked in key order, as the swap of a rebuild locks them: they never wait for each other in a
# circle.
_MOVE = """
WITH wanted AS (
    SELECT * FROM unnest(%(consumers)s::text[], %(builds)s::int[], %(topics)s::text[],
                         %(partitions)s::int[], %(from)s::bigint[], %(to)s::bigint[],
                         %(offsets)s::bigint[], %(topic_ids)s::text[])
             AS w(consumer, build, topic, partition, from_position, to_position, to_offset,
                  topic_id)
), locked AS (
    SELECT c.consumer, c.build, c.topic, c.partition
    FROM checkpoints c JOIN wanted w USING (consumer, build, topic, partition)
    WHERE c.position = w.from_position AND c.lane IS NOT DISTINCT FROM %(lane)s
    ORDER BY c.consumer, c.build, c.topic, c.partition FOR UPDATE OF c
), moved AS (
UPDATE checkpoints c
SET position = w.to_position, "offset" = w.to_offset, topic_id = w.topic_id, lane = %(to_lane)s
FROM wanted w JOIN locked USING (consumer, build, topic, partition)
WHERE c.consumer = w.consumer AND c.build = w.build AND c.topic = w.topic
  AND c.partition = w.partition AND c.position = w.from_position
  AND c.lane IS NOT DISTINCT FROM %(lane)s
RETURNING c.topic
)
SELECT require((SELECT count(*) FROM moved) = %(count)s, 'NC001')
"""
_ROWS = """
SELECT k.consumer, c.version, k.build, k.topic, k.partition, k.position, k."offset", k.topic_id,
       k.lane, {beyond}
FROM checkpoints k JOIN consumers c ON c.name = k.consumer AND c.live_build = k.build
WHERE {which} ORDER BY k.consumer, k.build, k.topic, k.partition {lock}
"""
# What was read on Kafka counts where the store is read now.
_BEYOND = f"""CASE WHEN k.topic = '{STORE.topic}' THEN coalesce((
    SELECT max(o.position) FROM checkpoints o
    WHERE o.consumer = k.consumer AND o.build = k.build AND o.topic <> k.topic), 0) ELSE 0 END"""
_OF_PARTITIONS = "(k.topic, k.partition) IN (SELECT * FROM unnest(%s::text[], %s::int[]))"
_OF_CONSUMER = "k.consumer = %s"


def swap(
    connection: Connection, moves: Sequence[Move], lane: str | None, to_lane: str | None
) -> None:
    """Moves all rows, or lets the transaction fail when one is not where this worker left it (a
    mere > guard let an owner of yesterday apply 100 events 150 times). They go from `lane` to
    `to_lane`, which may be the same. CheckpointMoved is raised at once, or in a pipeline where the
    next answer is waited for: see `translated`.
    """
    with translated():
        connection.execute(_MOVE, _values(moves, lane, to_lane))


@contextmanager
def translated() -> Iterator[None]:
    """Raises what a failed `require` means."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate == "NC001":
            raise CheckpointMoved("a checkpoint is not where it was left") from error
        if error.sqlstate == "NC003":
            raise NotStored("the store holds another event") from error
        raise


def _values(moves: Sequence[Move], lane: str | None, to_lane: str | None) -> dict[str, object]:
    return {
        "consumers": [move.consumer for move in moves],
        "builds": [move.build for move in moves],
        "topics": [move.partition.topic for move in moves],
        "partitions": [move.partition.number for move in moves],
        "from": [move.position for move in moves],
        "to": [move.to.position for move in moves],
        "offsets": [move.to.offset for move in moves],
        "topic_ids": [move.to.topic_id for move in moves],
        "lane": lane,
        "to_lane": to_lane,
        "count": len(moves),
    }


def rows_on(connection: Connection, partitions: Collection[LogPartition]) -> list[Row]:
    """Finds those of all who read one of the partitions."""
    topics, numbers = [p.topic for p in partitions], [p.number for p in partitions]
    return _rows(connection, _OF_PARTITIONS, (topics, numbers))


def rows_of(connection: Connection, consumer: str, *, locked: bool = False) -> list[Row]:
    """Finds those of one consumer, on all partitions; `locked` for this transaction."""
    return _rows(connection, _OF_CONSUMER, (consumer,), "FOR UPDATE OF k" if locked else "")


def give_up(connection: Connection, consumer: str, lane: str) -> None:
    """The lane does not move this consumer any longer: somebody brings it up from the store."""
    connection.execute(
        "UPDATE checkpoints SET lane = NULL WHERE consumer = %s AND lane = %s", (consumer, lane)
    )


def fronts(rows: Iterable[Row], lane: str) -> dict[LogPartition, Checkpoint]:
    """Where a lane goes on, partition by partition: where the furthest of its rows stands, or where
    nobody has its name, the furthest of all. What has an offset goes first: from there Kafka is
    read on, and otherwise from the beginning.
    """
    best: dict[LogPartition, tuple[bool, bool, int, Checkpoint]] = {}
    for row in rows:
        if not row.whole:
            continue
        rank = (row.lane == lane, row.at.offset is not None, row.at.position)
        if row.partition not in best or rank > best[row.partition][:3]:
            best[row.partition] = (*rank, row.at)
    return {partition: found[3] for partition, found in best.items()}


def _rows(
    connection: Connection, which: str, values: tuple[object, ...], lock: str = ""
) -> list[Row]:
    found = connection.execute(
        _ROWS.format(beyond=_BEYOND, which=which, lock=lock), values
    ).fetchall()
    return [
        Row(
            consumer,
            version,
            build,
            LogPartition(topic, number),
            Checkpoint(position, offset, topic_id),
            lane,
            beyond,
        )
        for (
            consumer,
            version,
            build,
            topic,
            number,
            position,
            offset,
            topic_id,
            lane,
            beyond,
        ) in found
    ]


def create_rows(
    connection: Connection, consumer: str, build: int, partitions: Iterable[LogPartition]
) -> None:
    """Rows at zero where there are none: a compare-and-swap needs something to swap. What was read
    without a broker counts on Kafka as well.
    """
    connection.cursor().executemany(
        "INSERT INTO checkpoints (consumer, build, topic, partition) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [(consumer, build, topic, number) for topic, number in partitions],
    )
    connection.execute(
        'UPDATE checkpoints k SET position = s.position, "offset" = NULL, topic_id = NULL'
        " FROM checkpoints s WHERE s.consumer = k.consumer AND s.build = k.build"
        " AND s.topic = %s AND k.topic <> s.topic AND k.position < s.position"
        " AND k.consumer = %s AND k.build = %s",
        (STORE.topic, consumer, build),
    )


def copy_rows(connection: Connection, consumer: str, from_build: int, to_build: int) -> None:
    """The new build stands where the live one stands, in the same lanes."""
    connection.execute(
        "INSERT INTO checkpoints"
        ' (consumer, build, topic, partition, position, "offset", topic_id, lane)'
        ' SELECT consumer, %s, topic, partition, position, "offset", topic_id, lane'
        " FROM checkpoints WHERE consumer = %s AND build = %s",
        (to_build, consumer, from_build),
    )


def lock_rows(connection: Connection, consumer: str, build: int) -> Vector:
    """No batch of this build commits until the caller's transaction ends; answers where it
    stands.
    """
    rows = connection.execute(
        'SELECT topic, partition, position, "offset", topic_id FROM checkpoints'
        " WHERE consumer = %s AND build = %s ORDER BY topic, partition FOR UPDATE",
        (consumer, build),
    ).fetchall()
    return Vector((LogPartition(row[0], row[1]), Checkpoint(*row[2:])) for row in rows)
