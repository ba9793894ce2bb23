"""A lane: one thread that applies what the feed gives it, for all its consumers at once.

Its consumers stand at the same place. Who is behind, was stopped or is new is brought up from the
store and joins between two batches, at exactly where the lane stands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.log.partitions import STORE, LogPartition, category_of, partition_of
from events.log.port import Checkpoint, LogItem
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import parking
from processors.consumers.batch import (
    Batches,
    ConsumerStopped,
    SomeStopped,
    finish,
    is_passing,
)
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
from processors.consumers.reports import Reports
from schemas.telling import safely

log = logging.getLogger(__name__)
WAIT_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 5.0
# A lane that has so many items waiting takes no more until half of them are done.
MOST_WAITING = 4_000
# Further than any position.
END = 2**63 - 1
# Who is no further behind joins at once; who is, is brought up beside the lane first.
CLOSE = 500
# A consumer counts as working again after so long without an error, or after one batch.
HEALTHY_AFTER_S = 5.0
# Who takes longer in so many small batches, one after the other, has a lane of its own.
HEAVY_S, HEAVY_TIMES, SMALL_BATCH = 0.05, 3, 500


class Lane:
    """`consumers` are those that it is for, whether they have joined yet or not. `rewind` asks the
    feed to give again what nobody here has; `look` tells the one who brings consumers up; `split`
    makes a lane for one that holds the others up; `register` is for one whose live build is another
    program's.
    """

    def __init__(
        self,
        name: str,
        consumers: Sequence[Consumer],
        pool: ConnectionPool,
        codec: EventCodec,
        reports: Reports,
        rewind: Callable[[], None],
        look: Callable[[], None],
        split: Callable[[Lane, Consumer], None],
        register: Callable[[str], None],
    ) -> None:
        self.name = name
        self.categories = frozenset(c for consumer in consumers for c in consumer.categories)
        self._consumers = {consumer.name: consumer for consumer in consumers}
        self._limit = min(consumer.batch_size for consumer in consumers)
        self._rest_s = max(consumer.rest_s for consumer in consumers)
        self._pool, self._codec, self._reports = pool, codec, reports
        self._ask_rewind, self._look, self._ask_split = rewind, look, split
        self._ask_register = register
        self._store = PostgresEvents(pool)
        self._group = Group(name)
        self._batches = Batches(pool, codec, timed=self._timed)
        self._moved = threading.Condition()
        self._items: deque[LogItem] = deque()
        self._share: frozenset[LogPartition] = frozenset()
        # Who may be taken in: neither stopped nor still behind.
        self._admitted: set[str] = set(self._consumers)
        self._asked: set[str] = set()
        self._missing: dict[str, list[LogPartition]] = {}
        self._stale = True
        # Latched: it has taken its place once. `fed` is false while the feed is in trouble.
        self.entered = self.fed = False
        self._pause_s = FIRST_PAUSE_S
        self._since = time.monotonic()
        # Of the last batch, by consumer; how many times in a row one was heavy.
        self._took_s: dict[str, float] = {}
        self._heavy: dict[str, int] = {}
        self._weighing = False

    # --- from other threads ----------------------------------------------------------------------

    def share(self, partitions: frozenset[LogPartition]) -> None:
        """These are ours now, of those that this lane's consumers read."""
        ours = frozenset(p for p in partitions if p == STORE or self.reads(p))
        with self._moved:
            if ours != self._share:
                self._share, self._stale = ours, True
                self._moved.notify()

    def give(self, items: Iterable[LogItem]) -> None:
        """In the log's order; what is of no concern here is left out."""
        with self._moved:
            before = len(self._items)
            self._items.extend(item for item in items if self.reads(item.partition))
            if len(self._items) != before:
                self._moved.notify()

    def begin_anew(self) -> None:
        """The feed reads from the checkpoints again: what waits here would come twice."""
        with self._moved:
            self._items.clear()
            self._stale = True
            self._moved.notify()

    def reads(self, partition: LogPartition) -> bool:
        return partition == STORE or category_of(partition.topic) in self.categories

    @property
    def waiting(self) -> int:
        return len(self._items)

    def admit(self, name: str) -> None:
        """It is near: take it in between two batches."""
        with self._moved:
            self._admitted.add(name)
            self._asked.add(name)
            self._moved.notify()

    def hold_back(self, name: str) -> None:
        """Nobody takes it in until it is admitted."""
        with self._moved:
            self._admitted.discard(name)

    def admits(self, name: str) -> bool:
        """Whether it would be taken in as soon as it is near."""
        return name in self._admitted

    def missing(self) -> dict[str, dict[LogPartition, int]]:
        """Consumer → partitions of ours that it does not read yet, and where the lane stands;
        END where it stands nowhere before somebody comes.
        """
        vector = self._group.vector
        with self._moved:
            return {
                name: {p: vector[p].position if p in vector else END for p in partitions}
                for name, partitions in self._missing.items()
            }

    def __iter__(self) -> Iterator[Consumer]:
        """Those that it is for, whether they have joined yet or not."""
        return iter(list(self._consumers.values()))

    def names(self) -> list[str]:
        return list(self._consumers)

    def wake(self) -> None:
        with self._moved:
            self._moved.notify()

    # --- the lane's thread -----------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._turn(stop)
                self._pause_s = FIRST_PAUSE_S
            except Exception as error:
                self._stale = True
                if isinstance(error, CheckpointMoved) or is_passing(error):
                    log.info("%s goes on from the rows: %s", self.name, safely(error))
                else:
                    # Nothing of an event reaches here: it is a fault of ours that a pause may
                    # outlive, and readiness must not call it well.
                    log.warning("%s starts again", self.name, exc_info=error)
                    self._say_faulty(error)
                self._pause(stop)

    def _turn(self, stop: threading.Event) -> None:
        """Whatever is to be done between two batches, and a batch."""
        items = self._next()
        if stop.is_set():
            return
        if self._stale:
            self._enter()
        self._take_in()
        if due := self._due(items):
            self._process(due)
        self._done(items)
        if due or (self.fed and time.monotonic() - self._since >= HEALTHY_AFTER_S):
            self._reports.well(consumer.name for consumer in self._group)
        if 0 < len(items) < self._limit and self._rest_s:
            stop.wait(self._rest_s)

    def _next(self) -> list[LogItem]:
        """The next items, left where they are until they are done; waits while there is nothing."""
        with self._moved:
            if not (self._items or self._asked or self._stale):
                self._moved.wait(WAIT_S)
            return [self._items[at] for at in range(min(self._limit, len(self._items)))]

    def _done(self, items: Sequence[LogItem]) -> None:
        with self._moved:
            for item in items:
                # `begin_anew` may have taken them away meanwhile.
                if self._items and self._items[0] is item:
                    self._items.popleft()

    def _due(self, items: Sequence[LogItem]) -> list[LogItem]:
        """Those that nobody here has applied. Raises CheckpointMoved when one is missing before
        them, and asks for it.
        """
        reached: dict[LogPartition, int] = {}
        due = []
        for item in items:
            partition = item.partition
            position = reached.get(partition, self._group.vector.position(partition))
            if partition not in self._group.vector or item.checkpoint.position <= position:
                continue
            if not self._group.reads(partition):
                # Nobody waits for it: the lane goes on, and whoever comes joins where it is.
                self._group.moved({partition: item.checkpoint})
                continue
            if item.after > position:
                self._forget(partition)
                self._ask_rewind()
                raise CheckpointMoved(f"{partition} is at {position}, not at {item.after}")
            reached[partition] = item.checkpoint.position
            due.append(item)
        return due

    def _forget(self, partition: LogPartition) -> None:
        with self._moved:
            self._items = deque(item for item in self._items if item.partition != partition)

    def _process(self, items: Sequence[LogItem]) -> None:
        began = time.monotonic()
        self._took_s.clear()
        try:
            self._batches.process(self._group, items)
        except SomeStopped as some:
            self._stop(some.stopped)
        except ConsumerStopped as error:
            (consumer,) = self._group
            self._stop({consumer.name: error})
        self._watch(time.monotonic() - began, len(items))

    def _stop(self, stopped: Mapping[str, ConsumerStopped]) -> None:
        for name, error in stopped.items():
            log.error("%s stopped: %s", name, error)
            with self._moved:
                self._admitted.discard(name)
                self._group.leave(name)
                self._note_missing()
            with self._pool.connection() as connection:
                give_up(connection, name, self.name)
        for name, error in stopped.items():
            self._reports.stopped([name], str(error))

    # --- joining ---------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Take the place from the rows: where this lane stood last, under whichever worker."""
        with self._moved:
            share, self._stale = self._share, False
            gone = set(self._group.partitions()) - share
        self._clear(gone)
        self.entered = True
        if not share:
            self._missing = {}
            return
        with self._pool.connection() as connection, connection.transaction():
            rows = rows_on(connection, share, locked=True)
            places = fronts(rows, self.name)
            joining = [row for row in rows if self._stands_at(row, places.get(row.partition))]
            self._adopt(connection, joining, places)
        for name in {row.consumer for row in rows if self._is_foreign(row)} & self._admitted:
            self.hold_back(name)
            self._ask_register(name)
        self._clear(share)
        with self._moved:
            for partition, place in places.items():
                self._group.vector[partition] = place
            for row in joining:
                self._group.join(self._with_build(row), row.build, row.partition)
            self._note_missing()
            self._asked.update(self._missing)

    def _clear(self, partitions: Iterable[LogPartition]) -> None:
        with self._moved:
            self._group.clear(partitions)

    def _is_foreign(self, row: Row) -> bool:
        consumer = self._consumers.get(row.consumer)
        return consumer is not None and row.version != consumer.version

    def _stands_at(self, row: Row, place: Checkpoint | None) -> bool:
        return (
            row.consumer in self._admitted
            and not self._is_foreign(row)
            and place is not None
            and row.whole
            and row.at.position == place.position
        )

    def _adopt(
        self,
        connection: Connection,
        rows: Iterable[Row],
        places: Mapping[LogPartition, Checkpoint],
    ) -> None:
        """These rows are of this lane, at the same record."""
        by_lane: dict[str | None, list[Move]] = {}
        for row in rows:
            if row.lane != self.name or row.at != places[row.partition]:
                move = Move(
                    row.consumer,
                    row.build,
                    row.partition,
                    row.at.position,
                    places[row.partition],
                )
                by_lane.setdefault(row.lane, []).append(move)
        for lane, moves in by_lane.items():
            swap(connection, moves, lane, self.name)

    def _take_in(self) -> None:
        """Everybody who asked, if they are near."""
        with self._moved:
            asked, self._asked = self._asked, set()
        for name in sorted(asked & set(self._consumers)):
            if goals := self.missing().get(name):
                if END in goals.values():
                    self._enter()
                elif name in self._admitted:
                    self._join(self._consumers[name], goals)

    def _join(self, consumer: Consumer, goals: Mapping[LogPartition, int]) -> None:
        """Fold what the lane has and it has not, and stand where the lane stands. Nothing happens
        when that is too much for a pause of the lane, or when it is ahead, or fails.
        """
        try:
            with self._pool.connection() as connection, connection.transaction():
                rows = [
                    row
                    for row in rows_of(connection, consumer.name, locked=True)
                    if row.partition in goals
                ]
                if not rows or any(
                    row.version != consumer.version
                    or not row.whole
                    or row.at.position > goals[row.partition]
                    for row in rows
                ):
                    return
                events = self._between(consumer, rows, goals)
                if events is None:
                    self._look()
                    return
                folded = self._fold(connection, consumer, rows[0].build, events)
                self._adopt(connection, rows, self._group.vector)
                if folded:
                    finish(connection, [consumer])
        except Exception as error:
            if isinstance(error, CheckpointMoved) or is_passing(error):
                raise
            # Whoever brings it up finds out which event it is, and says so.
            log.info("%s does not join %s yet: %s", consumer.name, self.name, safely(error))
            self.hold_back(consumer.name)
            self._look()
            return
        if folded:
            consumer.committed()
        with self._moved:
            for row in rows:
                self._group.join(consumer, row.build, row.partition)
            self._note_missing()

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
        if isinstance(consumer, ProjectionConsumer):
            consumer.use_build(build)
        streams = {event.stream_id for event in events}
        parked = {
            stream for _, stream in parking.parked_among(connection, [consumer.name], streams)
        }
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

    def _with_build(self, row: Row) -> Consumer:
        consumer = self._consumers[row.consumer]
        if isinstance(consumer, ProjectionConsumer):
            consumer.use_build(row.build)
        return consumer

    def _note_missing(self) -> None:
        """Kept, because it is asked for all the time and seldom changes."""
        found = {
            name: [
                partition
                for partition in self._share
                if _of(consumer, partition) and not self._group.reads(partition, name)
            ]
            for name, consumer in self._consumers.items()
        }
        self._missing = {name: partitions for name, partitions in found.items() if partitions}

    # --- troubles --------------------------------------------------------------------------------

    def _say_faulty(self, error: Exception) -> None:
        self._since = time.monotonic()
        reason = f"{type(error).__name__}, again and again: see its log"
        self._reports.stopped([consumer.name for consumer in self._group], reason)

    def _pause(self, stop: threading.Event) -> None:
        stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    # --- the heavy ones --------------------------------------------------------------------------

    @contextmanager
    def _timed(self, connection: Connection, consumer: Consumer) -> Iterator[None]:
        """How long it takes. Statements are only sent on, so where somebody has to be named their
        answers are waited for.
        """
        began = time.monotonic()
        try:
            with connection.pipeline() if self._weighing else nullcontext():
                yield
        finally:
            self._took_s[consumer.name] = time.monotonic() - began

    def _watch(self, took_s: float, items: int) -> None:
        """A consumer that holds the others up, again and again, gets a lane of its own."""
        if len(self._group) < 2 or items > SMALL_BATCH:
            return
        heavy = {name for name, each_s in self._took_s.items() if each_s > HEAVY_S}
        self._heavy = {name: self._heavy.get(name, 0) + 1 for name in heavy}
        self._weighing = took_s > HEAVY_S
        for name, times in self._heavy.items():
            if times >= HEAVY_TIMES:
                self._let_go(name)
                return

    def _let_go(self, name: str) -> None:
        log.info("%s leaves %s for a lane of its own: it holds the others up", name, self.name)
        self._heavy.clear()
        with self._moved:
            consumer = self._consumers.pop(name)
            self._group.leave(name)
            self._note_missing()
        with self._pool.connection() as connection:
            give_up(connection, name, self.name)
        self._ask_split(self, consumer)

    def twin(self, consumer: Consumer, name: str) -> Lane:
        """A lane for this consumer alone, with what waits here: it goes on from the same place."""
        lane = Lane(
            name,
            [consumer],
            self._pool,
            self._codec,
            self._reports,
            self._ask_rewind,
            self._look,
            self._ask_split,
            self._ask_register,
        )
        lane.share(self._share)
        lane.give(list(self._items))
        return lane


def _of(consumer: Consumer, partition: LogPartition) -> bool:
    return partition == STORE or category_of(partition.topic) in consumer.categories
