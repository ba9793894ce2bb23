"""Which records of the topics are the relay's (docs/adr/0029): the others are put aside.

A record is the log's when its MAC is right. Without one it may be from before the relay made them:
up to the position that was written down then, and only if it is what the store holds.
"""

from __future__ import annotations

from typing import Any

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.aside import RecordsAside
from events.log.partitions import LogPartition, partition_of
from events.log.proof import MacKeys, RecordMac, RecordMacs
from events.log.records import from_record, is_of_earlier_epoch, source_of
from events.store.postgres import PostgresEvents

# Raised by whatever is no record of ours.
UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)


class NotProven(ValueError):
    """The record is none of this log's relay; its text says why."""


class RecordProofs:
    """Tells records of the relay from others, for all readers of a process. Thread-safe."""

    def __init__(self, pool: ConnectionPool, keys: MacKeys) -> None:
        self._pool, self._keys = pool, keys
        self._store = PostgresEvents(pool)
        self.macs, self.aside = RecordMacs(keys), RecordsAside(pool)

    def newest_mac(self) -> RecordMac:
        """Makes the MACs of new records."""
        return RecordMac(self._keys()[0])

    def reading(self) -> Reading:
        """For one reader, which is made anew when the log has a new epoch."""
        # Keys that `log recover` has dropped are not believed any longer.
        self.macs.forget()
        return Reading(self, *self._store.log_identity())

    def unproven_up_to(self) -> int | None:
        """Up to which position records may lack a MAC; None before the first relay that makes
        them.
        """
        with self._pool.connection() as connection:
            row = connection.execute("SELECT unproven_up_to FROM relay_progress").fetchone()
        return row[0] if row else None

    def require_old(self, partition: LogPartition, envelope: Envelope, up_to: int | None) -> None:
        """For a record without a MAC: the store must have just this event, in this partition, at a
        position that was published before there were MACs. Raises NotProven. 0.2 ms.
        """
        if up_to is not None and envelope.position > up_to:
            raise NotProven("it has no MAC")
        stored = self._store.after(envelope.position - 1, 1)
        if stored != [envelope] or partition_of(envelope) != partition:
            raise NotProven("it has no MAC and is not what the store holds")


class Reading:
    """One reader's way through its partitions. Used by one thread."""

    def __init__(self, proofs: RecordProofs, log_id: str, epoch: int) -> None:
        self._proofs, self._log_id, self._epoch = proofs, log_id, epoch
        self._source = ("ce_source", source_of(log_id, epoch).encode())
        self._unproven_up_to: int | None = None
        # Offset and position of the last proven record of each partition.
        self._last: dict[LogPartition, tuple[int, int]] = {}

    def envelope(self, partition: LogPartition, topic_id: str, record: Any) -> Envelope | None:
        """None for what a stranger wrote, or wrote again: in no log, so leaving it out leaves
        nothing out. `record` is Kafka's.
        """
        try:
            envelope = self._proven(partition, record)
        except UNREADABLE as error:
            reason = str(error) if isinstance(error, NotProven) else "it is no event"
            self._proofs.aside.note(partition, topic_id, self._epoch, record.offset, reason)
            return None
        if envelope is not None:
            self._last[partition] = (record.offset, envelope.position)
        return envelope

    def _proven(self, partition: LogPartition, record: Any) -> Envelope | None:
        proven = self._proofs.macs.prove(partition, record.key, record.value, record.headers)
        if proven is False:
            raise NotProven("its MAC is wrong")
        envelope = from_record(partition.topic, record.value, record.headers)
        if proven is None:
            self._require_old(partition, envelope)
        if self._source not in record.headers and self._is_of_earlier_epoch(record):
            if partition not in self._last:
                # `log recover` is at work: all of the topic is from before, and is deleted now.
                return None
            raise NotProven("it is from before `log recover`")
        offset, position = self._last.get(partition, (record.offset, 0))
        if record.offset > offset and envelope.position <= position:
            raise NotProven("it was there before")
        return envelope

    def _require_old(self, partition: LogPartition, envelope: Envelope) -> None:
        if self._unproven_up_to is None:
            self._unproven_up_to = self._proofs.unproven_up_to()
        self._proofs.require_old(partition, envelope, self._unproven_up_to)

    def _is_of_earlier_epoch(self, record: Any) -> bool:
        source = dict(record.headers)["ce_source"].decode()
        return is_of_earlier_epoch(source, self._log_id, self._epoch)
