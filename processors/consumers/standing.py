"""Finds consumers' rows that stand still although the relay has published more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from events.log.partitions import LogPartition

# Rows of live builds; without a broker there are no heads, and none is behind.
_BEHIND = """
SELECT k.consumer, k.topic, k.partition, k.position, k.lane, h.last_position
FROM relay_heads h
JOIN checkpoints k ON k.topic = h.topic AND k.partition = h.partition
                  AND k.position < h.last_position
JOIN consumers c ON c.name = k.consumer AND c.live_build = k.build
WHERE c.name = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Behind:
    """A consumer's row on one partition. `unmoved_s` is for how long it was seen at one place."""

    consumer: str
    partition: LogPartition
    position: int
    lane: str | None
    head: int
    unmoved_s: float


class Standing:
    """Remembers from look to look where each row was. For one thread."""

    def __init__(self, pool: ConnectionPool, consumers: Iterable[str]) -> None:
        self._pool, self._consumers = pool, list(consumers)
        self._seen: dict[tuple[str, LogPartition], tuple[int, float]] = {}

    def look(self) -> list[Behind]:
        """Lists the rows that are behind. Raises what the database says."""
        with self._pool.connection() as connection:
            rows = connection.execute(_BEHIND, (self._consumers,)).fetchall()
        now = time.monotonic()
        seen: dict[tuple[str, LogPartition], tuple[int, float]] = {}
        found = []
        for name, topic, number, position, lane, head in rows:
            partition = LogPartition(topic, number)
            known = self._seen.get((name, partition))
            since = known[1] if known and known[0] == position else now
            seen[name, partition] = position, since
            found.append(Behind(name, partition, position, lane, head, now - since))
        self._seen = seen
        return found
