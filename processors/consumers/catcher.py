"""Brings consumers up from the store: who is new, was stopped, fell behind, or is read by nobody.

Whoever is near joins a lane; nobody waits for it meanwhile.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.partitions import STORE, LogPartition, partition_of
from events.log.port import Checkpoint, LogItem
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers.batch import Batches, ConsumerStopped, is_passing
from processors.consumers.checkpoints import CheckpointMoved, Move, Row, rows_of, swap
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.group import Group
from processors.consumers.joining import CLOSE
from processors.consumers.lane import STOPPED_RETRY_S, Lane
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.reports import Reports
from processors.consumers.standing import Standing
from processors.wake import Wake
from schemas.telling import safely

log = logging.getLogger(__name__)
LOCK_CLASS = 7521984
LOOK_S = 1.0
# So many events a transaction, and then as long a rest as they took: the lanes are busy too.
PAGE = 250
# Who has a long way goes it in turns with the others.
TURN_S = 5.0
# A row that is behind and that nobody has moved for so long is nobody's, whatever it says; one that
# never moved may be about to join a lane.
UNMOVED_S = 30.0


class Catcher:
    """`lanes` are those of this worker, `share` what the broker has given it of `partitions`.
    `start` makes a consumer known that could not be registered: it may take a rebuild.
    """

    def __init__(
        self,
        consumers: Iterable[Consumer],
        lanes: list[Lane],
        partitions: Iterable[LogPartition],
        share: Callable[[], frozenset[LogPartition]],
        pool: ConnectionPool,
        codec: EventCodec,
        reports: Reports,
        start: Callable[[threading.Event], None],
    ) -> None:
        # Copies: a lane may use its own at the same time, for other partitions.
        self._consumers = {consumer.name: copy.copy(consumer) for consumer in consumers}
        self._lanes, self._partitions, self._share = lanes, frozenset(partitions), share
        self._pool, self._codec, self._reports, self._start = pool, codec, reports, start
        self._store = PostgresEvents(pool)
        self._batches = Batches(pool, codec)
        self._retry_at: dict[str, float] = {}
        self._standing = Standing(pool, self._consumers)
        self.due = Wake()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            seen = self.due.sets
            try:
                self._start(stop)
                self._bring_to_lanes(stop)
                self._bring_to_heads(stop)
            except Exception as error:
                trace = None if is_passing(error) else error
                log.warning("consumers are brought up later: %s", safely(error), exc_info=trace)
            self.due.wait(seen, LOOK_S)

    def _bring_to_lanes(self, stop: threading.Event) -> None:
        for lane in list(self._lanes):
            for name, goals in lane.missing().items():
                if stop.is_set():
                    return
                if time.monotonic() >= self._retry_at.get(name, 0.0):
                    self._bring_up(name, goals, stop, lane)

    def _bring_to_heads(self, stop: threading.Event) -> None:
        """Partitions that are another worker's, whose program may not know all consumers, or that
        has died.
        """
        now, ours = time.monotonic(), self._share()
        if self._partitions <= ours:
            return
        goals: dict[str, dict[LogPartition, int]] = {}
        for row in self._standing.look():
            begun = row.lane is None and row.position > 0
            if row.partition not in ours and (begun or row.unmoved_s >= UNMOVED_S):
                goals.setdefault(row.consumer, {})[row.partition] = row.head
        for name, places in goals.items():
            if not stop.is_set() and now >= self._retry_at.get(name, 0.0):
                self._bring_up(name, places, stop, None)

    def _bring_up(
        self,
        name: str,
        goals: Mapping[LogPartition, int],
        stop: threading.Event,
        lane: Lane | None,
    ) -> None:
        """As far as the goals; one worker at a time. Then the lane takes it in, if it has asked."""
        try:
            with self._alone(name) as mine:
                if not mine:
                    return
                near = lane is not None and lane.admits(name)
                there = self._fold(self._consumers[name], goals, stop, near=near)
        except ConsumerStopped as error:
            log.error("%s stopped: %s", name, error)
            self._reports.stopped([name], str(error))
            self._retry_at[name] = time.monotonic() + STOPPED_RETRY_S
        except CheckpointMoved as error:
            log.info("%s is brought up later: %s", name, error)
        else:
            if there and lane:
                lane.admit(name)
            elif there:
                self._reports.well([name])

    def _fold(
        self,
        consumer: Consumer,
        goals: Mapping[LogPartition, int],
        stop: threading.Event,
        *,
        near: bool,
    ) -> bool:
        """Page by page. False when its turn is over, or there is nothing that could be moved;
        `near` is enough for one that joins a lane.
        """
        with self._pool.connection() as connection, connection.transaction():
            rows = rows_of(connection, consumer.name, locked=True)
            taken = [row for row in rows if row.partition in goals]
            if not taken or any(row.version != consumer.version for row in taken):
                return False
            near = near and all(row.whole for row in taken)
            _take(connection, taken)
        group, head = _group_of(consumer, rows, goals), self._store.head()
        goals = {partition: min(goal, head) for partition, goal in goals.items()}
        turn_ends_at = time.monotonic() + TURN_S
        while not stop.is_set():
            began = time.monotonic()
            # Of those that are still behind: one that has arrived would be the place for ever.
            behind = {p: goal for p, goal in goals.items() if group.vector.position(p) < goal}
            if not behind:
                return True
            place = min(group.vector.position(partition) for partition in behind)
            goal = max(behind.values())
            page = self._store.after(place, PAGE, categories=consumer.categories, up_to=goal)
            if near and len(page) < PAGE and goal - place <= CLOSE:
                return True
            scanned = page[-1].position if len(page) == PAGE else goal
            if items := list(_items(group, page, goals)):
                self._batches.process(group, items)
            self._skip(group, goals, scanned)
            self._retry_at.pop(consumer.name, None)
            if scanned >= goal:
                return True
            if time.monotonic() > turn_ends_at:
                self.due.set()
                return False
            stop.wait(time.monotonic() - began)
        return False

    def _skip(self, group: Group, goals: Mapping[LogPartition, int], scanned: int) -> None:
        """The quiet partitions: there was nothing up to here."""
        quiet = {
            partition: Checkpoint(min(goal, scanned))
            for partition, goal in goals.items()
            if group.vector.position(partition) < min(goal, scanned)
        }
        if quiet:
            with self._pool.connection() as connection, connection.transaction():
                group.skip(connection, quiet)
            group.moved(quiet)

    @contextmanager
    def _alone(self, name: str) -> Iterator[bool]:
        """One process at a time. A session lock: it outlives many transactions, and dies with its
        process.
        """
        key = (LOCK_CLASS, name)
        with self._pool.connection() as lock:
            row = lock.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", key).fetchone()
            mine = bool(row and row[0])
            try:
                yield mine
            finally:
                if mine:
                    lock.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)


def _take(connection: Connection, rows: Iterable[Row]) -> None:
    """These rows are of no lane: whoever held them for its own finds it at its next batch."""
    by_lane: dict[str, list[Move]] = {}
    for row in rows:
        if row.lane is not None:
            move = Move(row.consumer, row.build, row.partition, row.at.position, row.at)
            by_lane.setdefault(row.lane, []).append(move)
    for lane, moves in by_lane.items():
        swap(connection, moves, lane, None)


def _group_of(consumer: Consumer, rows: Iterable[Row], goals: Mapping[LogPartition, int]) -> Group:
    """Makes a group of it alone, with all its checkpoints: what was read on Kafka counts here."""
    group = Group()
    for row in rows:
        group.vector[row.partition] = row.at
        if row.partition in goals:
            group.join(consumer, row.build, row.partition)
            if isinstance(consumer, ProjectionConsumer):
                consumer.use_build(row.build)
    return group


def _items(
    group: Group, page: Iterable[Envelope], goals: Mapping[LogPartition, int]
) -> Iterator[LogItem]:
    for event in page:
        own = partition_of(event)
        place = STORE if STORE in goals else own
        if place in goals and group.vector.position(place) < event.position <= goals[place]:
            before = place == STORE and event.position <= group.vector.position(own)
            yield LogItem(event, place, Checkpoint(event.position), before)
