"""One consumer's checkpoints in Postgres: moved by compare-and-swap in the transaction of the batch
they belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg_pool import ConnectionPool

from events.log.partitions import LogPartition
from events.log.port import Checkpoint, LogItem, Vector
from processors.consumers.consumer import Connection, Consumer


class CheckpointMoved(Exception):
    """Another worker was here first, or another build is live now: this batch is not ours."""


# Locked in key order, as the swap of a rebuild locks them: they never wait for each other in a
# circle.
_MOVE = """
WITH wanted AS (
    SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(from)s::bigint[],
                         %(to)s::bigint[], %(offsets)s::bigint[], %(topic_ids)s::text[])
             AS w(topic, partition, from_position, to_position, to_offset, topic_id)
), locked AS (
    SELECT c.topic, c.partition FROM checkpoints c JOIN wanted w USING (topic, partition)
    WHERE c.consumer = %(consumer)s AND c.build = %(build)s AND c.position = w.from_position
    ORDER BY c.topic, c.partition FOR UPDATE OF c
)
UPDATE checkpoints c SET position = w.to_position, "offset" = w.to_offset, topic_id = w.topic_id
FROM wanted w JOIN locked USING (topic, partition)
WHERE c.consumer = %(consumer)s AND c.build = %(build)s AND c.topic = w.topic
  AND c.partition = w.partition AND c.position = w.from_position
RETURNING c.topic
"""


class Checkpoints:
    """`vector` is shared with the log's reader: what has committed here is what it may drop."""

    def __init__(self, pool: ConnectionPool, consumer: Consumer) -> None:
        self._pool, self._consumer = pool, consumer
        self.build = 0
        self.vector = Vector()

    def load(self) -> Vector:
        """Read the live build and its checkpoints. Raises CheckpointMoved when the live build is
        another program's: its table is not ours to write.
        """
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT c.live_build, c.version, k.topic, k.partition, k.position,"
                ' k."offset", k.topic_id FROM consumers c'
                " JOIN checkpoints k ON k.consumer = c.name AND k.build = c.live_build"
                " WHERE c.name = %s",
                (self._consumer.name,),
            ).fetchall()
        self.vector.clear()
        for build, version, topic, number, position, offset, topic_id in rows:
            if version != self._consumer.version:
                raise CheckpointMoved(f"{self._consumer.name} is at version {version} now")
            self.build = build
            self.vector[LogPartition(topic, number)] = Checkpoint(position, offset, topic_id)
        return self.vector

    def move(
        self, connection: Connection, items: Sequence[LogItem]
    ) -> dict[LogPartition, Checkpoint]:
        """To what each partition is at after `items`; give the answer to `moved` once it is
        committed.

        Raises CheckpointMoved when a row is not where this worker left it (a mere > guard let an
        owner of yesterday apply 100 events 150 times).
        """
        to = {item.partition: item.checkpoint for item in items}
        if self._swap(connection, to) != len(to):
            raise CheckpointMoved(f"{self._consumer.name} build {self.build}")
        return to

    def _swap(self, connection: Connection, to: dict[LogPartition, Checkpoint]) -> int:
        """How many rows stood where this worker left them and stand at `to` now."""
        swapped = connection.execute(
            _MOVE,
            {
                "consumer": self._consumer.name,
                "build": self.build,
                "topics": [partition.topic for partition in to],
                "partitions": [partition.number for partition in to],
                "from": [self.vector.position(partition) for partition in to],
                "to": [checkpoint.position for checkpoint in to.values()],
                "offsets": [checkpoint.offset for checkpoint in to.values()],
                "topic_ids": [checkpoint.topic_id for checkpoint in to.values()],
            },
        )
        return len(swapped.fetchall())

    def moved(self, to: dict[LogPartition, Checkpoint]) -> None:
        self.vector.update(to)


def create_rows(
    connection: Connection, consumer: str, build: int, partitions: Iterable[LogPartition]
) -> None:
    """Rows at zero where there are none: a compare-and-swap needs something to swap."""
    connection.cursor().executemany(
        "INSERT INTO checkpoints (consumer, build, topic, partition) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [(consumer, build, topic, number) for topic, number in partitions],
    )


def copy_rows(connection: Connection, consumer: str, from_build: int, to_build: int) -> None:
    """The new build stands where the live one stands."""
    connection.execute(
        'INSERT INTO checkpoints (consumer, build, topic, partition, position, "offset", topic_id)'
        ' SELECT consumer, %s, topic, partition, position, "offset", topic_id FROM checkpoints'
        " WHERE consumer = %s AND build = %s",
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
