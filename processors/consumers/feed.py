"""The one reader of a worker: what it reads it gives to every lane, and it waits for a full one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from psycopg_pool import ConnectionPool

from events.log.partitions import LogPartition
from events.log.port import Checkpoint, EventLog, LogItem, LogReader, Vector
from processors.consumers.batch import is_passing
from processors.consumers.checkpoints import fronts, rows_on
from processors.consumers.lane import HEALTHY_AFTER_S, MOST_WAITING, Lane
from processors.consumers.reports import Reports

log = logging.getLogger(__name__)
GROUP = "workers"
LIMIT = 2_000
POLL_S, FULL_POLL_S = 2.0, 0.02
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 5.0
# A poll answers within two seconds, whatever the broker does; a reader is there, or raises, once
# its client has let the times of its requests out.
POLL_HANGS_AFTER_S, OPENING_HANGS_AFTER_S = 60.0, 120.0


class Feed:
    """`register` makes the consumers known before each start. `lanes` may grow meanwhile: whoever
    adds one holds `giving`.
    """

    def __init__(
        self,
        event_log: EventLog,
        pool: ConnectionPool,
        lanes: list[Lane],
        categories: Sequence[str],
        reports: Reports,
        register: Callable[[], None],
    ) -> None:
        self._log, self._pool, self._lanes = event_log, pool, lanes
        self._reports, self._register = reports, register
        self._categories = categories
        self._reader: LogReader | None = None
        self._pause_s = FIRST_PAUSE_S
        self._rewinding = threading.Event()
        self._full: set[str] = set()
        self.restart, self.giving = threading.Event(), threading.Lock()
        # Latched: it has read, or said why it cannot.
        self.placed = False
        # When the client's call that is under way should have ended; None between two.
        self.hangs_at: float | None = None
        # What the broker has given this worker.
        self.share: frozenset[LogPartition] = frozenset()

    def rewind(self) -> None:
        """From any thread: something was missed, read on from the rows."""
        self._rewinding.set()

    def end_poll(self) -> None:
        """From another thread, once `stop` or `restart` is set: it looks at them now."""
        if reader := self._reader:
            reader.end()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._consume(stop)
            except Exception as error:
                # Nothing of an event reaches here: it is the weather, or a fault of ours that a
                # pause may outlive.
                trace = None if is_passing(error) else error
                log.warning("the reader starts again: %s", error, exc_info=trace)
                if trace is not None:
                    # Such a fault may repeat for ever, and readiness must not call that well.
                    self._say_stopped(f"{type(error).__name__}, again and again: see its log")
                stop.wait(self._pause_s)
                self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _consume(self, stop: threading.Event) -> None:
        self.restart.clear()
        self._register()
        with self._calling(OPENING_HANGS_AFTER_S):
            reader = self._log.reader(GROUP, self._categories, self._load)
        self._reader = reader
        try:
            for lane in self._lanes:
                lane.begin_anew()
            self._read(reader, stop)
        finally:
            self._reader = None
            with self._calling(POLL_HANGS_AFTER_S):
                reader.close()

    def _read(self, reader: LogReader, stop: threading.Event) -> None:
        self._rewind(reader)
        since, healthy = time.monotonic(), False
        while not stop.is_set() and not self.restart.is_set():
            if self._rewinding.is_set():
                self._rewinding.clear()
                self._rewind(reader)
            items = self._poll(reader)
            self._share_out(reader)
            if items:
                self._give(items)
            self._hold(reader)
            if not healthy and (items or time.monotonic() - since >= HEALTHY_AFTER_S):
                self._pause_s, healthy = FIRST_PAUSE_S, True
                self._say_fed(True)

    def _rewind(self, reader: LogReader) -> None:
        with self._calling(POLL_HANGS_AFTER_S):
            reader.rewind()

    def _poll(self, reader: LogReader) -> Sequence[LogItem]:
        with self._calling(POLL_HANGS_AFTER_S):
            return reader.poll(LIMIT, FULL_POLL_S if self._full else POLL_S)

    @contextmanager
    def _calling(self, at_most_s: float) -> Iterator[None]:
        self.hangs_at = time.monotonic() + at_most_s
        try:
            yield
        finally:
            self.hangs_at = None

    def _share_out(self, reader: LogReader) -> None:
        self.placed = self.placed or reader.joined
        share = reader.share()
        if share != self.share:
            self.share = share
            with self.giving:
                for lane in self._lanes:
                    lane.share(share)

    def _give(self, items: Sequence[LogItem]) -> None:
        with self.giving:
            for lane in self._lanes:
                lane.give(items)

    def _hold(self, reader: LogReader) -> None:
        """Partitions of a lane that has too much wait until half of it is done."""
        before, self._full = (
            self._full,
            {
                lane.name
                for lane in self._lanes
                if lane.waiting > (MOST_WAITING // 2 if lane.name in self._full else MOST_WAITING)
            },
        )
        if not (before or self._full):
            return
        full = [lane for lane in self._lanes if lane.name in self._full]
        held = {p for p in self.share if any(lane.reads(p) for lane in full)}
        with self._calling(POLL_HANGS_AFTER_S):
            reader.hold(held)

    def _load(self) -> Vector:
        """Where each partition is read on: where the lane stands that is furthest behind."""
        partitions = self._log.partitions(self._categories)
        with self._pool.connection() as connection:
            rows = rows_on(connection, partitions)
        vector = Vector()
        for lane in self._lanes:
            for partition, place in fronts(rows, lane.name).items():
                if lane.reads(partition):
                    known = vector.get(partition)
                    vector[partition] = _earlier(known, place) if known else place
        for row in rows:
            if not row.whole and row.partition not in vector:
                vector[row.partition] = row.at
        return vector

    def _say_fed(self, fed: bool) -> None:
        for lane in self._lanes:
            lane.fed = fed

    def _say_stopped(self, reason: str) -> None:
        self.placed = True
        self._say_fed(False)
        self._reports.stopped([consumer.name for lane in self._lanes for consumer in lane], reason)


def _earlier(one: Checkpoint, other: Checkpoint) -> Checkpoint:
    """Without an offset Kafka is read from the beginning, so nothing is missed."""
    return min(one, other, key=lambda each: (each.position, each.offset is not None))
