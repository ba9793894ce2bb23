"""The alarm about records that are not the relay's: said in the log, and counted in the database
for `status`, readiness and metrics. `log recover` clears it.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

import psycopg
from psycopg_pool import ConnectionPool

from events.log.partitions import LogPartition

log = logging.getLogger(__name__)
# Behind the first, which is told at once: a flood is told together.
EVERY_S = 5.0

# Offsets that were counted before, by another consumer or before a restart, are not counted again.
# What was found before `log recover` lay on topics that are gone.
_COUNT = """
INSERT INTO records_aside AS known (topic, partition, topic_id, last_offset, records, reason)
SELECT %(topic)s, %(partition)s, %(topic_id)s, %(last)s, cardinality(%(offsets)s::bigint[]), %(why)s
FROM log_identity WHERE epoch = %(epoch)s
ON CONFLICT (topic, partition) DO UPDATE SET
    records = known.records + (
        SELECT count(*) FROM unnest(%(offsets)s::bigint[]) AS seen(at)
        WHERE known.topic_id <> EXCLUDED.topic_id OR at > known.last_offset),
    last_offset = CASE WHEN known.topic_id = EXCLUDED.topic_id
        THEN greatest(known.last_offset, EXCLUDED.last_offset) ELSE EXCLUDED.last_offset END,
    topic_id = EXCLUDED.topic_id, reason = EXCLUDED.reason, last_at = now()
WHERE known.topic_id <> EXCLUDED.topic_id OR known.last_offset < EXCLUDED.last_offset
"""


@dataclass(slots=True)
class _Found:
    """Records of one partition that wait to be told."""

    epoch: int
    reason: str
    offsets: list[int] = field(default_factory=list)


class RecordsAside:
    """Thread-safe, one for all readers of a process."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._waiting: dict[tuple[LogPartition, str], _Found] = {}
        # Up to which offset each partition's were noted: other consumers meet the same records.
        self._noted: dict[tuple[LogPartition, str], int] = {}
        self._telling = False

    def note(
        self, partition: LogPartition, topic_id: str, epoch: int, offset: int, reason: str
    ) -> None:
        """Never waits and never fails: a flood must not slow down who reads."""
        place = (partition, topic_id)
        with self._lock:
            if offset <= self._noted.get(place, -1):
                return
            self._noted[place] = offset
            found = self._waiting.setdefault(place, _Found(epoch, reason))
            found.epoch, found.reason = epoch, reason
            found.offsets.append(offset)
            if not self._telling:
                self._telling = True
                threading.Thread(target=self._tell, name="records-aside", daemon=True).start()

    def _tell(self) -> None:
        """Until nothing waits; the next note begins anew."""
        while True:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
                if not waiting:
                    self._telling = False
                    return
            for (partition, topic_id), found in waiting.items():
                log.error(
                    "%d records of %s are not the relay's and are put aside, the last at offset %d:"
                    " %s",
                    len(found.offsets),
                    partition,
                    found.offsets[-1],
                    found.reason,
                )
                self._count(partition, topic_id, found)
            time.sleep(EVERY_S)

    def _count(self, partition: LogPartition, topic_id: str, found: _Found) -> None:
        values = {
            "topic": partition.topic,
            "partition": partition.number,
            "topic_id": topic_id,
            "epoch": found.epoch,
            "offsets": found.offsets,
            "last": found.offsets[-1],
            "why": found.reason,
        }
        try:
            with self._pool.connection() as connection:
                connection.execute(_COUNT, values)
        except (psycopg.Error, OSError) as error:
            if self._pool.closed:
                return
            log.warning("records put aside are counted later: %s", type(error).__name__)
            with self._lock:
                again = self._waiting.setdefault(
                    (partition, topic_id), _Found(found.epoch, found.reason)
                )
                again.offsets[:0] = found.offsets
