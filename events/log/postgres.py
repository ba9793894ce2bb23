"""The log without a broker: workers read the store, one at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set

import psycopg
from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.partitions import STORE, LogPartition
from events.log.port import Checkpoint, LoadVector, LogItem, LogReader
from events.log.tail import LogTail
from events.store.postgres import PostgresEvents

LOCK_CLASS = 7521982
LIVENESS_S = 1.0
# Waiting costs only a sleeping thread, and `end` is seen at once.
LONGEST_WAIT_S = 0.5
# Between two looks whether the log is ours, or whether it may be read on.
PAUSE_S = 0.25


class StoreLog:
    """`url` is a direct DSN (session locks); `tail` wakes the readers; `pool` is what they read
    with.
    """

    def __init__(self, url: str, pool: ConnectionPool, tail: LogTail) -> None:
        self._url, self._tail = url, tail
        self._events = PostgresEvents(pool)

    def partitions(self, categories: Sequence[str]) -> list[LogPartition]:
        return [STORE]

    def reader(self, group: str, categories: Sequence[str], load: LoadVector) -> LogReader:
        return _StoreReader(self._url, self._events, self._tail, group, categories, load)


class _StoreReader:
    def __init__(
        self,
        url: str,
        events: PostgresEvents,
        tail: LogTail,
        group: str,
        categories: Sequence[str],
        load: LoadVector,
    ) -> None:
        self._events, self._tail = events, tail
        self._group, self._categories, self._load = group, list(categories), load
        self._lock = psycopg.connect(url, autocommit=True)
        self._owner = self.joined = self._ended = self._held = False
        self._checked_at = 0.0
        self._next = 0

    def poll(self, limit: int, timeout_s: float) -> Sequence[LogItem]:
        if self._ended:
            return []
        owner = self._own()
        self.joined = True
        if self._held or not owner:
            time.sleep(min(timeout_s, PAUSE_S))
            return []
        # Before the read: what is committed between the two ends the wait at once.
        head = self._tail.head
        envelopes = self._events.after(self._next, limit, categories=self._categories)
        if not envelopes:
            self._tail.wait(max(head, self._next), min(timeout_s, LONGEST_WAIT_S))
            envelopes = self._events.after(self._next, limit, categories=self._categories)
        return [self._item(envelope) for envelope in envelopes]

    def _item(self, envelope: Envelope) -> LogItem:
        after, self._next = self._next, envelope.position
        return LogItem(envelope, STORE, Checkpoint(envelope.position), after=after)

    def share(self) -> frozenset[LogPartition]:
        return frozenset({STORE} if self._owner else ())

    def hold(self, partitions: Set[LogPartition]) -> None:
        self._held = STORE in partitions

    def rewind(self) -> None:
        self._next = self._load().position(STORE)

    def end(self) -> None:
        self._ended = True

    def close(self) -> None:
        self._lock.close()

    def _own(self) -> bool:
        """The session lock is the ownership; a dead connection raises, and the compare-and-swap
        decides.
        """
        if time.monotonic() - self._checked_at < LIVENESS_S and self._owner:
            return True
        self._checked_at = time.monotonic()
        if self._owner:
            self._lock.execute("SELECT 1")
            return True
        row = self._lock.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (LOCK_CLASS, self._group)
        ).fetchone()
        self._owner = bool(row and row[0])
        if self._owner:
            self.rewind()
        return self._owner
