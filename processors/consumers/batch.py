"""One batch of consumers that move together: applied with all their checkpoints in one transaction,
or narrowed down to the consumer and the event to blame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Protocol

import psycopg
from kafka.errors import KafkaError
from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.errors import NoCultureError, UnknownEventVersion
from events.log.port import LogItem
from events.log.progress_tail import CHANNEL, told_of
from events.store.codec import EventCodec
from events.store.pending import StoreBusy, VersionConflict
from events.tracing import hop
from processors.consumers import parking
from processors.consumers.checkpoints import CheckpointMoved, translated
from processors.consumers.consumer import Connection, Consumer, TryAgain
from processors.consumers.group import Group
from processors.consumers.transaction import short_transaction
from schemas.telling import safely

log = logging.getLogger(__name__)


_SAY_MOVED = "SELECT pg_notify(%s, %s)"
_PARKED = "NC002"


class ConsumerStopped(NoCultureError):
    """The consumer can go no further by itself."""

    status, code = 503, "consumer-stopped"


class SomeStopped(Exception):
    """The batch is applied, and these consumers have left the group: name → why."""

    def __init__(self, stopped: dict[str, ConsumerStopped]) -> None:
        super().__init__(", ".join(stopped))
        self.stopped = stopped


class Letters(Protocol):
    """`processors.consumers.parking`"""

    def parked_among(
        self, connection: Connection, consumers: Iterable[str], streams: Iterable[str], /
    ) -> set[tuple[str, str]]: ...

    def require_none(
        self, connection: Connection, consumers: Iterable[str], streams: Iterable[str], /
    ) -> None: ...

    def put_aside(
        self, connection: Connection, consumer: str, events: Sequence[Envelope], /
    ) -> None: ...

    def park(
        self, connection: Connection, consumer: str, event: Envelope, error: str, /
    ) -> None: ...


class Batches:
    """Applies items exactly once: what fails is rolled back with its checkpoints. `timed` is around
    each consumer's work. `require_stored` adds that the transaction fails (NC003) where the store
    does not hold the last item.

    All statements of a batch travel at once: what must hold for it is required, not asked. On a
    busy machine each answer that is waited for costs 3 ms, most of it waiting for a core.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        codec: EventCodec,
        letters: Letters = parking,
        transaction: Callable[[Connection], AbstractContextManager[None]] = short_transaction,
        timed: Callable[[Connection, Consumer], AbstractContextManager[object]] | None = None,
        require_stored: Callable[[Connection, Sequence[LogItem]], None] | None = None,
    ) -> None:
        self._pool, self._codec = pool, codec
        self._letters, self._transaction, self._timed = letters, transaction, timed
        self._require_stored = require_stored
        # Once a stream was parked the batches ask which are, until one meets none.
        self._asks = False

    def process(self, group: Group, items: Sequence[LogItem]) -> None:
        """Raises ConsumerStopped (of one alone), SomeStopped (of several), CheckpointMoved, or what
        the database says; what is not to blame has been applied.
        """
        try:
            self._commit(group, items)
        except Exception as error:
            if isinstance(error, CheckpointMoved) or is_passing(error):
                raise
            if len(group) > 1:
                self._one_by_one(group, items)
            elif len(items) == 1:
                self._blame(group, items[0], error)
            else:
                # Halves in order: at the first bad event everything before it is committed.
                middle = len(items) // 2
                self.process(group, items[:middle])
                self.process(group, items[middle:])

    def _one_by_one(self, group: Group, items: Sequence[LogItem]) -> None:
        """Each consumer in transactions of its own: nobody waits for the one to blame. What ends it
        between two leaves them apart; whoever goes on brings the ones behind up from the store.
        """
        stopped: dict[str, ConsumerStopped] = {}
        for consumer in list(group):
            try:
                self.process(group.alone(consumer), items)
            except ConsumerStopped as error:
                stopped[consumer.name] = error
        group.moved({item.partition: item.checkpoint for item in items})
        for name in stopped:
            group.leave(name)
        if stopped:
            raise SomeStopped(stopped)

    def _commit(self, group: Group, items: Sequence[LogItem]) -> None:
        new = (item.envelope.correlation_id for item in items if not item.applied_before)
        with hop("consume", new, consumer=_name(group), events=len(items)):
            self._apply(group, items)

    def _apply(self, group: Group, items: Sequence[LogItem]) -> None:
        new = [item for item in items if not item.applied_before]
        wanted = {
            consumer.name: [e for e in _read(group, consumer, new) if consumer.wants(e)]
            for consumer in group
        }
        # Before the transaction: while Python reads 2,000 events Postgres holds no locks for us.
        decoded = self._decoded(wanted.values())
        try:
            with translated():
                self._write(group, items, new, wanted, decoded)
        except psycopg.Error as error:
            if error.sqlstate != _PARKED or self._asks:
                raise
            self._asks = True
            with translated():
                self._write(group, items, new, wanted, decoded)

    def _write(
        self,
        group: Group,
        items: Sequence[LogItem],
        new: Sequence[LogItem],
        wanted: Mapping[str, Sequence[Envelope]],
        decoded: Mapping[int, Recorded | None],
    ) -> None:
        moving = []
        with self._pool.connection() as connection, self._transaction(connection):
            # First the compare-and-swap: it locks the builds against a swap, and the loser does no
            # work.
            reached = group.move(connection, items)
            if self._require_stored:
                self._require_stored(connection, items)
            parked = self._put_parked_aside(connection, group, new)
            for consumer in group:
                events = [
                    event
                    for envelope in wanted[consumer.name]
                    if (event := decoded[envelope.position])
                    and (consumer.name, event.stream_id) not in parked
                ]
                if events:
                    moving.append(consumer)
                    self._give(connection, consumer, events)
            finish(connection, moving)
            # Requests wait for it. In the transaction: nobody is told before they can see.
            for said in told_of(each.name for each in group if each.kind == "projection"):
                connection.execute(_SAY_MOVED, (CHANNEL, said))
        group.moved(reached)
        for consumer in moving:
            consumer.committed()

    def _give(self, connection: Connection, consumer: Consumer, events: Sequence[Recorded]) -> None:
        if self._timed is None:
            consumer.apply(connection, events)
            return
        with self._timed(connection, consumer):
            consumer.apply(connection, events)

    def _decoded(self, wanted: Iterable[Sequence[Envelope]]) -> dict[int, Recorded | None]:
        each = {envelope.position: envelope for envelopes in wanted for envelope in envelopes}
        return {position: self._codec.decode(envelope) for position, envelope in each.items()}

    def _put_parked_aside(
        self, connection: Connection, group: Group, new: Sequence[LogItem]
    ) -> set[tuple[str, str]]:
        """Letters for events of parked streams; answers (consumer, stream) of those."""
        names = [consumer.name for consumer in group]
        streams = {item.envelope.stream_id for item in new}
        if not self._asks:
            self._letters.require_none(connection, names, streams)
            return set()
        parked = self._letters.parked_among(connection, names, streams)
        self._asks = bool(parked)
        concerned = {name for name, _ in parked}
        for consumer in group:
            if consumer.name in concerned:
                aside = [
                    event
                    for event in _read(group, consumer, new)
                    if (consumer.name, event.stream_id) in parked
                ]
                self._letters.put_aside(connection, consumer.name, aside)
        return parked

    def _blame(self, group: Group, item: LogItem, error: Exception) -> None:
        (consumer,) = group
        event, name = item.envelope, consumer.name
        reason = safely(error)
        if isinstance(error, UnknownEventVersion):
            raise ConsumerStopped(reason) from error
        if consumer.money:
            raise ConsumerStopped(
                f"{name} cannot digest position {event.position} of {event.stream_id} ({reason}):"
                " a money consumer never skips, correct the program and start it again"
            ) from error
        log.error(
            "%s parks %s at position %d", name, event.stream_id, event.position, exc_info=error
        )
        with self._pool.connection() as connection, connection.transaction():
            reached = group.move(connection, [item])
            self._letters.park(connection, name, event, reason)
        group.moved(reached)


def finish(connection: Connection, consumers: Iterable[Consumer]) -> None:
    """Does what consumers do last in their transaction, those of a class together."""
    by_class: dict[type[Consumer], list[Consumer]] = {}
    for consumer in consumers:
        by_class.setdefault(type(consumer), []).append(consumer)
    for kind, each in by_class.items():
        kind.finish(connection, each)


def _read(group: Group, consumer: Consumer, items: Collection[LogItem]) -> Iterator[Envelope]:
    """The events that this consumer reads here: without a broker all are in one partition."""
    for item in items:
        event = item.envelope
        if event.category in consumer.categories and group.reads(item.partition, consumer.name):
            yield event


def _name(group: Group) -> str:
    """The name for traces."""
    if group.lane:
        return group.lane
    return next((consumer.name for consumer in islice(group, 1)), "nobody")


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
