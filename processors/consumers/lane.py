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
from dataclasses import dataclass
from itertools import islice

from psycopg_pool import ConnectionPool

from events.log.errors import LogAhead, LogDiffers
from events.log.partitions import STORE, LogPartition, category_of
from events.log.port import LogItem
from events.store.codec import EventCodec
from processors.consumers.batch import Batches, ConsumerStopped, SomeStopped, is_passing
from processors.consumers.checkpoints import CheckpointMoved, NotStored
from processors.consumers.consumer import Consumer
from processors.consumers.joining import Joining
from processors.consumers.reports import Reports
from processors.consumers.same_log import require_same_log, require_stored
from processors.consumers.weighing import Scales
from schemas.telling import safely

log = logging.getLogger(__name__)
WAIT_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 5.0
# A lane that has so many items waiting takes no more until half of them are done.
MOST_WAITING = 4_000
# A consumer counts as working again after so long without an error, or after one batch.
HEALTHY_AFTER_S = 5.0
# What stands still looks again whether somebody has helped it.
STOPPED_RETRY_S = 15.0


@dataclass(frozen=True)
class Neighbours:
    """Those whom a lane turns to: `rewind` gives again what nobody here has, `look` brings up who
    is too far behind, `split` makes a lane for one that holds the others up, and `register` is for
    one whose live build is another program's.
    """

    rewind: Callable[[], None]
    look: Callable[[], None]
    split: Callable[[Lane, Consumer], None]
    register: Callable[[str], None]


class Lane:
    """`consumers` are those that it is for, whether they have joined yet or not. `run` and `turn`
    are its own thread's; all else may be called from others.
    """

    def __init__(
        self,
        name: str,
        consumers: Sequence[Consumer],
        pool: ConnectionPool,
        codec: EventCodec,
        reports: Reports,
        neighbours: Neighbours,
    ) -> None:
        self.name = name
        self.categories = frozenset(c for consumer in consumers for c in consumer.categories)
        self._limit = min(consumer.batch_size for consumer in consumers)
        self._rest_s = max(consumer.rest_s for consumer in consumers)
        self._pool, self._codec, self._reports = pool, codec, reports
        self._neighbours = neighbours
        self._joining = Joining(name, consumers, pool, codec)
        self._scales = Scales()
        self._batches = Batches(
            pool, codec, timed=self._scales.timed, require_stored=require_stored
        )
        self._moved = threading.Condition()
        self._items: deque[LogItem] = deque()
        self._share: frozenset[LogPartition] = frozenset()
        self._asked: set[str] = set()
        self._stale = True
        # Latched: it has taken its place once. `fed` is false while the feed is in trouble.
        self.entered = self.fed = False
        self._pause_s = FIRST_PAUSE_S
        self._since = time.monotonic()

    def __iter__(self) -> Iterator[Consumer]:
        """Those that it is for, whether they have joined yet or not."""
        return iter(list(self._joining.consumers.values()))

    def share(self, partitions: frozenset[LogPartition]) -> None:
        """These are ours now, of those that this lane's consumers read."""
        ours = frozenset(filter(self.reads, partitions))
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

    def missing(self) -> dict[str, dict[LogPartition, int]]:
        """As `Joining.missing`."""
        return self._joining.missing()

    def admits(self, name: str) -> bool:
        """As `Joining.admits`."""
        return self._joining.admits(name)

    def admit(self, name: str) -> None:
        """Take it in between two batches: it is near."""
        self._joining.admit(name)
        with self._moved:
            self._asked.add(name)
            self._moved.notify()

    def hold_back(self, name: str) -> None:
        """Let nobody take it in until it is admitted."""
        self._joining.hold_back(name)

    def wake(self) -> None:
        with self._moved:
            self._moved.notify()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.turn(stop)
                self._pause_s = FIRST_PAUSE_S
            except (LogAhead, LogDiffers) as error:
                log.error("%s stopped: %s", self.name, error)
                self._stale = True
                self._say_stopped(str(error))
                stop.wait(STOPPED_RETRY_S)
            except Exception as error:
                self._stale = True
                if isinstance(error, CheckpointMoved) or is_passing(error):
                    log.info("%s goes on from the rows: %s", self.name, safely(error))
                else:
                    # Nothing of an event reaches here: it is a fault of ours that a pause may
                    # outlive, and readiness must not call it well.
                    log.warning("%s starts again", self.name, exc_info=error)
                    self._say_stopped(f"{type(error).__name__}, again and again: see its log")
                stop.wait(self._pause_s)
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def turn(self, stop: threading.Event) -> None:
        """Whatever is to be done between two batches, and a batch. Raises CheckpointMoved, or what
        the database says: the lane then stands where the rows are.
        """
        items = self._next()
        if stop.is_set():
            return
        self._take_place()
        self._take_in()
        if due := self._due(items):
            self._process(due)
        self._done(items)
        if due or (self.fed and time.monotonic() - self._since >= HEALTHY_AFTER_S):
            self._reports.well(consumer.name for consumer in self._joining.group)
        if 0 < len(items) < self._limit and self._rest_s:
            stop.wait(self._rest_s)

    def twin(self, consumer: Consumer) -> Lane:
        """A lane for this consumer alone, with what waits here: it goes on from the same place."""
        lane = Lane(
            *(consumer.name, [consumer], self._pool, self._codec, self._reports, self._neighbours)
        )
        lane.share(self._share)
        lane.give(list(self._items))
        return lane

    def _next(self) -> list[LogItem]:
        """The next items, left where they are until they are done; waits while there is nothing."""
        with self._moved:
            if not (self._items or self._asked or self._stale):
                self._moved.wait(WAIT_S)
            return list(islice(self._items, self._limit))

    def _done(self, items: Sequence[LogItem]) -> None:
        with self._moved:
            for item in items:
                # `begin_anew` may have taken them away meanwhile.
                if self._items and self._items[0] is item:
                    self._items.popleft()

    def _take_place(self) -> None:
        with self._moved:
            if not self._stale:
                return
            share, self._stale = self._share, False
        for name in self._joining.enter(share):
            self._neighbours.register(name)
        self.entered = True
        with self._moved:
            self._asked.update(self._joining.missing())

    def _take_in(self) -> None:
        """Everybody who asked, if they are near."""
        with self._moved:
            asked, self._asked = self._asked, set()
        if not all([self._joining.take_in(name) for name in sorted(asked)]):
            self._neighbours.look()

    def _due(self, items: Sequence[LogItem]) -> list[LogItem]:
        """Those that nobody here has applied. Raises CheckpointMoved when one is missing before
        them, and asks for it.
        """
        group = self._joining.group
        reached: dict[LogPartition, int] = {}
        due = []
        for item in items:
            partition = item.partition
            position = reached.get(partition, group.vector.position(partition))
            if partition not in group.vector or item.checkpoint.position <= position:
                continue
            if not group.reads(partition):
                # Nobody waits for it: the lane goes on, and whoever comes joins where it is.
                group.moved({partition: item.checkpoint})
                continue
            if item.after > position:
                self._forget(partition)
                self._neighbours.rewind()
                raise CheckpointMoved(f"{partition} is at {position}, not at {item.after}")
            reached[partition] = item.checkpoint.position
            due.append(item)
        return due

    def _forget(self, partition: LogPartition) -> None:
        with self._moved:
            self._items = deque(item for item in self._items if item.partition != partition)

    def _process(self, items: Sequence[LogItem]) -> None:
        began, group = time.monotonic(), self._joining.group
        try:
            self._batches.process(group, items)
        except NotStored:
            # Says which of the two has lost something.
            require_same_log(self._pool, items)
            raise
        except SomeStopped as some:
            self._stop(some.stopped)
        except ConsumerStopped as error:
            (consumer,) = group
            self._stop({consumer.name: error})
        heavy = self._scales.too_heavy(time.monotonic() - began, len(items))
        if heavy and heavy in group and len(group) > 1:
            log.info("%s leaves %s for a lane of its own: it holds others up", heavy, self.name)
            self._neighbours.split(self, self._joining.remove(heavy))

    def _stop(self, stopped: Mapping[str, ConsumerStopped]) -> None:
        for name, error in stopped.items():
            log.error("%s stopped: %s", name, error)
            self._joining.leave(name)
            self._reports.stopped([name], str(error))

    def _say_stopped(self, reason: str) -> None:
        self._since = time.monotonic()
        self._reports.stopped([consumer.name for consumer in self], reason)
