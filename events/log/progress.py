"""How far the relay and every consumer are: what `wait`, `Min-Position`, `position` and `lag` mean
(DESIGN §6).

A consumer is at P when R >= P and, for each partition it reads, checkpoint >= min(P,
last_position), or checkpoint >= the partition's end before the batch that was published last and
P < that batch's first position: else whoever waits would wait for later changes of others as well.
Without a broker R is the store's head and the store itself knows the next event
that a consumer has not seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.partitions import STORE, TOPIC_PREFIX
from events.log.progress_tail import ProgressTail

# Seconds between two looks: where nobody tells of moves, and in case a message was lost.
POLL_S, TOLD_POLL_S = 0.003, 0.1

_CONSUMERS = f"""
SELECT c.name, c.kind, c.version, c.stopped, {{at}} AS position, l.head,
       (SELECT count(*) FROM parked_streams p WHERE p.consumer = c.name) AS parked
FROM consumers c
CROSS JOIN (SELECT coalesce((SELECT max(position) FROM events), 0) AS head,
                   (SELECT position FROM relay_progress) AS relayed) l
LEFT JOIN checkpoints s ON s.consumer = c.name AND s.build = c.live_build
     AND s.topic = '{STORE.topic}'
{{where}} ORDER BY c.name
"""
_AT_IN_KAFKA = f"""least(l.relayed, (
    SELECT min(CASE WHEN greatest(k.position, s.position, 0) >= h.earlier_position
                    THEN greatest(k.position, s.position, h.next_position - 1)
                    ELSE greatest(k.position, s.position, 0) END)
    FROM relay_heads h
    LEFT JOIN checkpoints k ON k.consumer = c.name AND k.build = c.live_build
         AND k.topic = h.topic AND k.partition = h.partition
    WHERE substr(h.topic, {len(TOPIC_PREFIX) + 1}) = ANY (c.categories)
      AND greatest(k.position, s.position, 0) < h.last_position))"""
_AT_IN_STORE = """coalesce((
    SELECT min(n.position) - 1 FROM unnest(c.categories) AS read(category)
    CROSS JOIN LATERAL (
        SELECT e.position FROM events e
        WHERE e.category = read.category AND e.position > coalesce(s.position, 0)
        ORDER BY e.position LIMIT 1) n), l.head)"""


class UnknownConsumer(NoCultureError):
    status, code = 503, "unknown-consumer"
    retry_after_s = 2

    def __init__(self, name: str) -> None:
        super().__init__(
            f"There is no consumer {name!r} yet: a worker makes it at its first start,"
            " and `./noculture consumers` lists what there is"
        )


@dataclass(frozen=True, slots=True)
class ConsumerProgress:
    """`position` is the P it is at, `lag` how many positions of the log lie behind that, `parked`
    its streams.
    """

    name: str
    kind: str
    version: int
    position: int
    lag: int
    parked: int
    stopped: str | None


class LogProgress:
    """Thread-safe. `event_log` says what the consumers of this installation read; with a `tail`
    waiting is being told, without one it is looking again and again.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        event_log: Literal["kafka", "postgres"] = "kafka",
        tail: ProgressTail | None = None,
    ) -> None:
        self._pool, self._tail = pool, tail
        self._event_log = event_log
        at = _AT_IN_KAFKA if event_log == "kafka" else _AT_IN_STORE
        self._everybody = _CONSUMERS.format(at=at, where="")
        self._one = _CONSUMERS.format(at=at, where="WHERE c.name = %s")

    def relayed(self) -> int:
        """R: every event up to here is where consumers can read it."""
        source = (
            "(SELECT position FROM relay_progress)"
            if self._event_log == "kafka"
            else "(SELECT max(position) FROM events)"
        )
        with self._pool.connection() as connection:
            row = connection.execute(f"SELECT coalesce({source}, 0)").fetchone()
        return int(row[0]) if row else 0

    def refused(self) -> str | None:
        """Why the relay publishes nothing until somebody mends it; None while it works."""
        if self._event_log != "kafka":
            return None
        with self._pool.connection() as connection:
            row = connection.execute("SELECT refused FROM relay_progress").fetchone()
        return row[0] if row else None

    def put_aside(self) -> dict[str, int]:
        """How many records of each topic are not the relay's (docs/adr/0029); without a broker the
        topics are not read.
        """
        if self._event_log != "kafka":
            return {}
        with self._pool.connection() as connection:
            return dict(
                connection.execute(
                    "SELECT topic, sum(records)::bigint FROM records_aside GROUP BY topic"
                    " ORDER BY topic"
                ).fetchall()
            )

    def records_alarm(self) -> str | None:
        """Tells of records that are not the relay's; None while there are none."""
        found = self.put_aside()
        if not found:
            return None
        where = ", ".join(f"{count} on {topic}" for topic, count in found.items())
        return (
            f"records that are not the relay's were put aside ({where}): somebody else writes to"
            " the topics, exchange kafka_relay_password and kafka_admin_password, then run"
            " `./noculture log recover`"
        )

    def all(self) -> list[ConsumerProgress]:
        return self._look(self._everybody)

    def consumer_position(self, name: str) -> int:
        """The P that this consumer is at. Raises UnknownConsumer (503)."""
        found = self._look(self._one, name)
        if not found:
            raise UnknownConsumer(name)
        return found[0].position

    def behind_s(self, name: str) -> float:
        """How old the oldest event is that this consumer may not have seen; 0 where it has seen
        all. Raises UnknownConsumer (503).
        """
        position = self.consumer_position(name)
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 FROM events"
                " WHERE position > %s ORDER BY position LIMIT 1",
                (position,),
            ).fetchone()
        return float(row[0]) if row else 0.0

    @contextmanager
    def telling(self, name: str, wake: Callable[[], None]) -> Iterator[float]:
        """While the block runs `wake` is called, on another thread, whenever the consumer may have
        moved. Gives how many seconds to wait for that before one looks all the same.
        """
        if self._tail is None:
            yield POLL_S
            return
        with self._tail.telling(name, wake):
            yield TOLD_POLL_S

    def wait_until(self, name: str, position: int, timeout_s: float) -> bool:
        """True once the consumer is at `position`; False when the time is over."""
        deadline = time.monotonic() + timeout_s
        while True:
            # Counted before the look, so that a move during the look ends the wait at once.
            moves = self._tail.moves(name) if self._tail else 0
            if self.consumer_position(name) >= position:
                return True
            if (left_s := deadline - time.monotonic()) <= 0:
                return False
            if self._tail:
                self._tail.wait(name, moves, min(left_s, TOLD_POLL_S))
            else:
                time.sleep(min(left_s, POLL_S))

    def _look(self, statement: str, *names: str) -> list[ConsumerProgress]:
        with self._pool.connection() as connection:
            rows = connection.execute(statement, names).fetchall()
        return [
            ConsumerProgress(name, kind, version, at, max(head - at, 0), parked, stopped)
            for name, kind, version, stopped, at, head, parked in rows
        ]
