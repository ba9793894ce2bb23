"""Membership of a lane: which of its consumers stand at its place, and how others get there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.partitions import STORE, LogPartition, category_of, partition_of
from events.log.port import Checkpoint
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import parking
from processors.consumers.batch import finish, is_passing
from processors.consumers.checkpoints import (
    CheckpointMoved,
    Move,
    Row,
    fronts,
    give_up,
    rows_of,
    rows_on,
    swap,
)
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.group import Group
from processors.consumers.projection import ProjectionConsumer
from schemas.telling import safely

log = logging.getLogger(__name__)
# Further than any position.
END = 2**63 - 1
# Who is no further behind joins at once; who is, is brought up beside the lane first.
CLOSE = 500


class Joining:
    """`group` are those who have joined, `consumers` all that the lane is for. Those who are
    admitted may join: neither stopped nor of another version nor failing.

    The lane's thread changes it; `missing`, `admits`, `admit` and `hold_back` are for any thread.
    """

    def __init__(
        self, lane: str, consumers: Sequence[Consumer], pool: ConnectionPool, codec: EventCodec
    ) -> None:
        self.group = Group(lane)
        self.consumers = {consumer.name: consumer for consumer in consumers}
        self._lane, self._pool, self._codec = lane, pool, codec
        self._store = PostgresEvents(pool)
        self._share: frozenset[LogPartition] = frozenset()
        self._admitted: set[str] = set(self.consumers)
        # Kept, because it is asked for all the time and seldom changes.
        self._missing: dict[str, list[LogPartition]] = {}
        self._lock = threading.RLock()

    def admits(self, name: str) -> bool:
        """Tells whether it would be taken in as soon as it is near."""
        return name in self._admitted

    def admit(self, name: str) -> None:
        with self._lock:
            self._admitted.add(name)

    def hold_back(self, name: str) -> None:
        """Let nobody take it in until it is admitted."""
        with self._lock:
            self._admitted.discard(name)

    def missing(self) -> dict[str, dict[LogPartition, int]]:
        """Consumer → partitions of ours that it does not read yet, and where the lane stands;
        END where it stands nowhere before somebody comes.
        """
        vector = self.group.vector
        with self._lock:
            return {
                name: {p: vector[p].position if p in vector else END for p in partitions}
                for name, partitions in self._missing.items()
            }

    def enter(self, share: frozenset[LogPartition]) -> set[str]:
        """Take the place from the rows: where the lane stood last, under whichever worker. Answers
        who cannot be taken in, for its live build is of another version.
        """
        with self._lock:
            self._share = share
            self.group.clear(set(self.group.partitions()) - share)
        rows, joining, places = self._stand(share) if share else ([], [], {})
        with self._lock:
            foreign = {row.consumer for row in rows if self._is_foreign(row)} & self._admitted
            self._admitted -= foreign
            self.group.clear(share)
            self.group.vector.update(places)
            for row in joining:
                self.group.join(self._ready(row.consumer, row.build), row.build, row.partition)
            self._note_missing()
        return foreign

    def take_in(self, name: str) -> bool:
        """Fold what the lane has and this one has not, and stand where the lane stands. Nothing
        happens when it is not admitted, ahead, or fails. False when that would be too much for a
        pause of the lane, or it fails.
        """
        goals = self.missing().get(name)
        if not goals or name not in self._admitted:
            return True
        if END in goals.values():
            self.enter(self._share)
            return True
        try:
            return self._join(self.consumers[name], goals)
        except Exception as error:
            if isinstance(error, CheckpointMoved) or is_passing(error):
                raise
            # Whoever brings it up finds out which event it is, and says so.
            log.info("%s does not join %s yet: %s", name, self._lane, safely(error))
            self.hold_back(name)
            return False

    def leave(self, name: str) -> None:
        """Let it go no further with the others; somebody has to bring it up."""
        with self._lock:
            self._admitted.discard(name)
            self.group.leave(name)
            self._note_missing()
        with self._pool.connection() as connection:
            give_up(connection, name, self._lane)

    def remove(self, name: str) -> Consumer:
        """Take it out for good: it gets a lane of its own."""
        self.leave(name)
        with self._lock:
            consumer = self.consumers.pop(name)
            self._note_missing()
        return consumer

    def _stand(
        self, share: frozenset[LogPartition]
    ) -> tuple[list[Row], list[Row], dict[LogPartition, Checkpoint]]:
        """The rows, those of them that join, and the place; they are the lane's when it returns.
        Nothing is locked: a row that moves meanwhile is not taken, and the lane tries again.
        """
        with self._pool.connection() as connection, connection.transaction():
            rows = rows_on(connection, share)
            places = fronts(rows, self._lane)
            joining = [row for row in rows if self._stands_at(row, places.get(row.partition))]
            self._adopt(connection, joining, places)
        return rows, joining, places

    def _stands_at(self, row: Row, place: Checkpoint | None) -> bool:
        return (
            row.consumer in self._admitted
            and not self._is_foreign(row)
            and place is not None
            and row.whole
            and row.at.position == place.position
        )

    def _is_foreign(self, row: Row) -> bool:
        consumer = self.consumers.get(row.consumer)
        return consumer is not None and row.version != consumer.version

    def _adopt(
        self,
        connection: Connection,
        rows: Iterable[Row],
        places: Mapping[LogPartition, Checkpoint],
    ) -> None:
        """These rows are of this lane, at the same record."""
        by_lane: dict[str | None, list[Move]] = {}
        for row in rows:
            place = places[row.partition]
            if row.lane != self._lane or row.at != place:
                move = Move(row.consumer, row.build, row.partition, row.at.position, place)
                by_lane.setdefault(row.lane, []).append(move)
        for lane, moves in by_lane.items():
            swap(connection, moves, lane, self._lane)

    def _join(self, consumer: Consumer, goals: Mapping[LogPartition, int]) -> bool:
        """False when it is too far behind."""
        with self._pool.connection() as connection, connection.transaction():
            rows = [
                row
                for row in rows_of(connection, consumer.name, locked=True)
                if row.partition in goals
            ]
            if not rows or not all(self._may_join(row, goals) for row in rows):
                return True
            events = self._between(consumer, rows, goals)
            if events is None:
                return False
            if folded := self._fold(connection, consumer, rows[0].build, events):
                self._adopt(connection, rows, self.group.vector)
                finish(connection, [consumer])
            else:
                self._adopt(connection, rows, self.group.vector)
        if folded:
            consumer.committed()
        with self._lock:
            for row in rows:
                self.group.join(consumer, row.build, row.partition)
            self._note_missing()
        return True

    def _may_join(self, row: Row, goals: Mapping[LogPartition, int]) -> bool:
        return not self._is_foreign(row) and row.whole and row.at.position <= goals[row.partition]

    def _between(
        self, consumer: Consumer, rows: Sequence[Row], goals: Mapping[LogPartition, int]
    ) -> list[Envelope] | None:
        """The events from each row to the lane; None when they are many."""
        behind = {row.partition: row.at.position for row in rows}
        behind = {p: position for p, position in behind.items() if position < goals[p]}
        if not behind:
            return []
        page = self._store.after(
            min(behind.values()),
            CLOSE + 1,
            categories=consumer.categories,
            up_to=max(goals[partition] for partition in behind),
        )
        if len(page) > CLOSE:
            return None
        return [
            event
            for event in page
            if (place := STORE if STORE in behind else partition_of(event)) in behind
            and behind[place] < event.position <= goals[place]
        ]

    def _fold(
        self, connection: Connection, consumer: Consumer, build: int, events: Sequence[Envelope]
    ) -> bool:
        """True when the consumer was given any of them."""
        self._ready(consumer.name, build)
        streams = {event.stream_id for event in events}
        among = parking.parked_among(connection, [consumer.name], streams)
        parked = {stream for _, stream in among}
        if aside := [event for event in events if event.stream_id in parked]:
            parking.put_aside(connection, consumer.name, aside)
        decoded = [
            self._codec.decode(event)
            for event in events
            if event.stream_id not in parked and consumer.wants(event)
        ]
        recorded = [event for event in decoded if event is not None]
        if recorded:
            consumer.apply(connection, recorded)
        return bool(recorded)

    def _ready(self, name: str, build: int) -> Consumer:
        consumer = self.consumers[name]
        if isinstance(consumer, ProjectionConsumer):
            consumer.use_build(build)
        return consumer

    def _note_missing(self) -> None:
        found = {
            name: [
                partition
                for partition in self._share
                if _reads(consumer, partition) and not self.group.reads(partition, name)
            ]
            for name, consumer in self.consumers.items()
        }
        self._missing = {name: partitions for name, partitions in found.items() if partitions}


def _reads(consumer: Consumer, partition: LogPartition) -> bool:
    return partition == STORE or category_of(partition.topic) in consumer.categories
