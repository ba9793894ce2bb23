"""One batch of one consumer: applied with its checkpoint in one transaction, or narrowed down to
the event to blame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import psycopg
from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.errors import NoCultureError, UnknownEventVersion
from events.log.port import LogItem
from events.log.progress_tail import CHANNEL
from events.store.codec import EventCodec
from events.store.pending import StoreBusy, VersionConflict
from events.tracing import hop
from processors.consumers import parking
from processors.consumers.checkpoints import CheckpointMoved, Checkpoints
from processors.consumers.consumer import Connection, Consumer, TryAgain
from processors.consumers.transaction import short_transaction
from schemas.telling import safely

log = logging.getLogger(__name__)


_SAY_MOVED = "SELECT pg_notify(%s, %s)"


class ConsumerStopped(NoCultureError):
    """The consumer can go no further by itself."""

    status, code = 503, "consumer-stopped"


class Letters(Protocol):
    """`processors.consumers.parking`"""

    def parked_among(
        self, connection: Connection, consumer: str, streams: Iterable[str], /
    ) -> set[str]: ...

    def put_aside(
        self, connection: Connection, consumer: str, events: Sequence[Envelope], /
    ) -> None: ...

    def park(
        self, connection: Connection, consumer: str, event: Envelope, error: str, /
    ) -> None: ...


class Batches:
    """Applies items exactly once: what fails is rolled back with its checkpoint."""

    def __init__(
        self,
        pool: ConnectionPool,
        consumer: Consumer,
        checkpoints: Checkpoints,
        codec: EventCodec,
        letters: Letters = parking,
        transaction: Callable[[Connection], AbstractContextManager[None]] = short_transaction,
    ) -> None:
        self._pool, self._consumer = pool, consumer
        self._checkpoints, self._codec = checkpoints, codec
        self._letters, self._transaction = letters, transaction

    def process(self, items: Sequence[LogItem]) -> None:
        """Raises ConsumerStopped, CheckpointMoved, or what the database says; all of `items` before
        the raise that are not to blame have been applied.
        """
        try:
            self._commit(items)
        except Exception as error:
            if isinstance(error, CheckpointMoved) or is_passing(error):
                raise
            if len(items) == 1:
                self._blame(items[0], error)
                return
            # Halves in order: at the first bad event everything before it is committed.
            middle = len(items) // 2
            self.process(items[:middle])
            self.process(items[middle:])

    def _commit(self, items: Sequence[LogItem]) -> None:
        new = (item.envelope.correlation_id for item in items if not item.applied_before)
        with hop("consume", new, consumer=self._consumer.name, events=len(items)):
            self._apply(items)

    def _apply(self, items: Sequence[LogItem]) -> None:
        # Before the transaction: while Python reads 2,000 events Postgres holds no locks for us.
        decoded = {
            item.envelope.position: self._codec.decode(item.envelope)
            for item in items
            if not item.applied_before and self._consumer.wants(item.envelope)
        }
        with self._pool.connection() as connection, self._transaction(connection):
            # First the compare-and-swap: it locks the build against a swap, and the loser does no
            # work.
            reached = self._checkpoints.move(connection, items)
            parked = self._put_parked_aside(connection, items)
            recorded = [
                event for event in decoded.values() if event and event.stream_id not in parked
            ]
            if recorded:
                self._consumer.apply(connection, recorded)
                self._consumer.finish(connection)
            if self._consumer.kind == "projection":
                # Requests wait for it. In the transaction: nobody is told before they can see.
                connection.execute(_SAY_MOVED, (CHANNEL, self._consumer.name))
        self._checkpoints.moved(reached)
        if recorded:
            self._consumer.committed()

    def _put_parked_aside(self, connection: Connection, items: Sequence[LogItem]) -> set[str]:
        """Letters for events of parked streams; answers those streams."""
        new = [item.envelope for item in items if not item.applied_before]
        name = self._consumer.name
        parked = self._letters.parked_among(connection, name, (event.stream_id for event in new))
        aside = [event for event in new if event.stream_id in parked]
        if aside:
            self._letters.put_aside(connection, name, aside)
        return parked

    def _blame(self, item: LogItem, error: Exception) -> None:
        event, name = item.envelope, self._consumer.name
        reason = safely(error)
        if isinstance(error, UnknownEventVersion):
            raise ConsumerStopped(reason) from error
        if self._consumer.money:
            raise ConsumerStopped(
                f"{name} cannot digest position {event.position} of {event.stream_id} ({reason}):"
                " a money consumer never skips, correct the program and start it again"
            ) from error
        log.error(
            "%s parks %s at position %d", name, event.stream_id, event.position, exc_info=error
        )
        with self._pool.connection() as connection, connection.transaction():
            reached = self._checkpoints.move(connection, [item])
            self._letters.park(connection, name, event, reason)
        self._checkpoints.moved(reached)


def is_passing(error: Exception) -> bool:
    """True for the weather: the database, the broker, a lost race. Class 54 is a limit that the
    event broke.
    """
    if isinstance(error, psycopg.OperationalError):
        return not (error.sqlstate or "").startswith("54")
    if isinstance(error, psycopg.InternalError):
        # 25: the session stood idle for too long, or the server became a read-only copy.
        return (error.sqlstate or "").startswith("25")
    return isinstance(
        error, psycopg.InterfaceError | KafkaError | TryAgain | StoreBusy | VersionConflict
    )
