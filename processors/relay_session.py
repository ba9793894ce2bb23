"""One ownership of the log: a fresh publisher, the check, then batch by batch."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.log.errors import LogHole
from events.log.kafka_config import KafkaConfig
from events.log.outgoing import OutgoingRecord, OutgoingRecords
from events.log.partitions import LogPartition
from events.log.progress_tail import CHANNEL as PROGRESS
from events.log.proving import RecordProofs
from events.log.tail import CHANNEL, POLL_S
from events.model import REGISTRY
from events.store.postgres import PostgresEvents
from events.tracing import hop
from processors.publisher import Progress, Publisher, advanced
from processors.read_ahead import ReadAhead
from processors.relay_check import check

Connection = psycopg.Connection[Any]
BATCH = 5_000
# Each look is a connection to the broker; a topic deleted while nothing is written is back by then.
LOOK_AT_TOPICS_S = 15.0
STREAMS_REMEMBERED = 100_000
# Where the partition ended before it, and its first position; None where that is not known.
Batch = tuple[int | None, int | None]


# One statement: readers wait for it, and a transaction of four would go five times to and fro.
_SAVE = """
WITH same AS (SELECT FROM log_identity WHERE (log_id, epoch) = (%s, %s)), heads AS (
    INSERT INTO relay_heads
    SELECT w.* FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[]) AS w,
                    same
    ON CONFLICT (topic, partition) DO UPDATE
    SET (last_position, earlier_position, next_position)
      = (EXCLUDED.last_position, EXCLUDED.earlier_position, EXCLUDED.next_position)
)
UPDATE relay_progress SET position = %s FROM same RETURNING pg_notify(%s, '')
"""


class EpochChanged(Exception):
    """`log recover` was here: make everything anew."""


class RelaySession:
    """`connection` holds the relay's lock. Every batch is noted on it, so a lost lock ends the
    session.
    """

    def __init__(
        self,
        connection: Connection,
        pool: ConnectionPool,
        config: KafkaConfig,
        proofs: RecordProofs,
    ) -> None:
        self._connection, self._config, self._proofs = connection, config, proofs
        self._store = PostgresEvents(pool)
        connection.execute(f"LISTEN {CHANNEL}")
        self._identity = self._store.log_identity()
        self._publisher = Publisher(config, *self._identity, proofs.newest_mac())
        self._log = OutgoingRecords(pool, self._publisher.source)
        self._pages = ReadAhead(self._log, BATCH)
        self._streams: OrderedDict[str, int] = OrderedDict()
        self._looked_at = time.monotonic()
        self.progress = Progress()

    def __enter__(self) -> RelaySession:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pages.close()
        self._publisher.close()

    def check(self) -> None:
        """Compare the topics with the store, publish again what they lost, and go on from there."""
        self._publisher.ensure_topics(set(REGISTRY.categories()))
        self.progress = check(
            self._store, self._log, self._config, self._publisher, self._proofs, BATCH
        )
        # What these topics held before the first MAC is believed as far as the store agrees.
        self._connection.execute(
            "UPDATE relay_progress SET unproven_up_to = %s WHERE unproven_up_to IS NULL",
            (self.progress.position,),
        )
        self._save(self.progress, {partition: (None, None) for partition in self.progress.heads})

    def publish_next(self) -> int:
        """The next events of the log, at most BATCH; how many there were. Raises LogHole."""
        records = self._pages.after(self.progress.position)
        if not records:
            return 0
        self._refuse_holes(records)
        progress = advanced(self.progress, records)
        with hop("publish", (record.correlation_id for record in records), records=len(records)):
            self._publisher.publish(records, progress)
        self._save(progress, self._published(records))
        self.progress = progress
        return len(records)

    def sleep(self) -> bool:
        """Until the store says that it is longer, or a poll's time; True when it is longer. Raises
        what tells that the lock is not ours any more, topics are gone, or readers wait for ever.
        """
        if time.monotonic() - self._looked_at > LOOK_AT_TOPICS_S:
            self._publisher.same_topics()
            self._publisher.nothing_hangs()
            self._looked_at = time.monotonic()
        if list(self._connection.notifies(timeout=POLL_S, stop_after=1)):
            return True
        # Nobody tells of what was committed while nobody listened.
        return self._look() > self.progress.position

    def _refuse_holes(self, records: Sequence[OutgoingRecord]) -> None:
        expected = self.progress.position + 1
        unknown: dict[str, OutgoingRecord] = {}
        for record in records:
            if record.position != expected:
                raise LogHole("position", expected, record.position)
            expected += 1
            known = self._streams.pop(record.stream_id, None)
            if known is None and record.stream_version > 1:
                unknown[record.stream_id] = record
            elif record.stream_version != (known or 0) + 1:
                raise _version_hole(record, (known or 0) + 1)
            self._streams[record.stream_id] = record.stream_version
        self._ask_the_store(unknown)
        while len(self._streams) > STREAMS_REMEMBERED:
            self._streams.popitem(last=False)

    def _ask_the_store(self, first: dict[str, OutgoingRecord]) -> None:
        """Streams that this session has not met: each one's version before must be there."""
        if not first:
            return
        missing = self._connection.execute(
            "SELECT w.stream_id, (SELECT max(e.stream_version) FROM events e"
            "  WHERE e.stream_id = w.stream_id AND e.position < w.position)"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[])"
            "  AS w(stream_id, version, position)"
            " WHERE NOT EXISTS (SELECT FROM events e WHERE e.stream_id = w.stream_id"
            "  AND e.stream_version = w.version - 1 AND e.position < w.position) LIMIT 1",
            (
                list(first),
                [record.stream_version for record in first.values()],
                [record.position for record in first.values()],
            ),
        ).fetchone()
        if missing is not None:
            raise _version_hole(first[missing[0]], (missing[1] or 0) + 1)

    def _published(self, records: Sequence[OutgoingRecord]) -> dict[LogPartition, Batch]:
        """Maps each partition of these records to its earlier end and to the first of them."""
        published: dict[LogPartition, Batch] = {}
        for record in records:
            earlier = self.progress.heads.get(record.partition, 0)
            published.setdefault(record.partition, (earlier, record.position))
        return published

    def _save(self, progress: Progress, changed: Mapping[LogPartition, Batch]) -> None:
        """R and these heads, for whoever waits; Kafka already has them."""
        saved = self._connection.execute(
            _SAVE,
            (
                *self._identity,
                [partition.topic for partition in changed],
                [partition.number for partition in changed],
                [progress.heads[partition] for partition in changed],
                [earlier for earlier, _ in changed.values()],
                [first for _, first in changed.values()],
                progress.position,
                PROGRESS,
            ),
        )
        if saved.rowcount != 1:
            raise EpochChanged

    def _look(self) -> int:
        """The store's head. Raises EpochChanged."""
        row = self._connection.execute(
            "SELECT log_id, epoch, coalesce((SELECT max(position) FROM events), 0)"
            " FROM log_identity"
        ).fetchone()
        if row is None or row[:2] != self._identity:
            raise EpochChanged
        return int(row[2])


def _version_hole(record: OutgoingRecord, expected: int) -> LogHole:
    return LogHole(f"version of {record.stream_id}", expected, record.stream_version)
