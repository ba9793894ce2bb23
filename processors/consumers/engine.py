"""Runs consumers: one feed reads the log, a few lanes apply it, one catcher brings up who is behind
(docs/adr/0030).
"""

from __future__ import annotations

import faulthandler
import logging
import threading
import time
from collections.abc import Callable, Sequence

from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.port import EventLog
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers.batch import is_passing
from processors.consumers.catcher import Catcher
from processors.consumers.consumer import Consumer
from processors.consumers.feed import Feed
from processors.consumers.lane import STOPPED_RETRY_S, Lane, Neighbours
from processors.consumers.registry import UpgradeNeeded, register
from processors.consumers.reports import Reports
from processors.consumers.standing import Standing
from processors.rebuild import Rebuilder
from processors.rebuild_errors import RebuildRunning, RebuildStopped

log = logging.getLogger(__name__)
EPOCH_CHECK_S = 2.0
CONFIRM_CHECK_S = 60.0
# A row that its idle lane has not moved for so long, though more is published, was not given to it.
STANDING_CHECK_S, STANDS_S = 30.0, 60.0
END_PATIENCE_S = 30.0
# The feed, the engine's own thread, the streams that sagas read beside their batch, and a rebuild
# in the catcher: its lock, a reader, a holder and a writer of the builds, and the log.
BESIDE_LANES = 8


class ReaderHangs(NoCultureError):
    """A client library stands still inside a call that should have ended long ago."""

    status, code = 500, "reader-hangs"

    def __init__(self) -> None:
        super().__init__(
            "The consumers' reader has not answered for a minute or more: this process ends, the"
            " next one joins anew"
        )


class ConsumerLost(NoCultureError):
    """A thread of the engine ended by itself."""

    status, code = 500, "consumer-lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} ended by itself: this process ends, the next one has it again")


class Engine:
    """`pool` needs `connections` for it. `rebuilder` brings a projection of an older version up to
    date.
    """

    def __init__(
        self,
        consumers: Sequence[Consumer],
        event_log: EventLog,
        pool: ConnectionPool,
        codec: EventCodec,
        rebuilder: Rebuilder,
    ) -> None:
        self._consumers, self._log, self._pool = list(consumers), event_log, pool
        self._codec, self._rebuilder = codec, rebuilder
        self._reports = Reports(pool)
        self._standing = Standing(pool, [consumer.name for consumer in consumers])
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        # Consumers that cannot run yet, and when to try again.
        self._pending: dict[str, float] = {}
        self._lanes: list[Lane] = []
        self._feed = Feed(
            event_log, pool, self._lanes, self._categories(), self._reports, self._register
        )
        self._catcher = Catcher(
            self._consumers,
            self._lanes,
            event_log.partitions(self._categories()),
            lambda: self._feed.share,
            pool,
            codec,
            self._reports,
            self._start_pending,
        )
        self._lanes += [self._lane(name, own) for name, own in lanes_of(consumers).items()]

    @property
    def connections(self) -> int:
        """How many it holds at most at the same time."""
        return len(self._lanes) + BESIDE_LANES

    def starting(self) -> list[str]:
        """The consumers that have not been given their share of the log yet."""
        if self._feed.placed:
            lanes = [lane for lane in self._lanes if not lane.entered]
        else:
            lanes = self._lanes
        return sorted(consumer.name for lane in lanes for consumer in lane)

    def run(self, stop: threading.Event) -> None:
        """Block until `stop`; every batch under way is finished first."""
        self._stop = stop
        for lane in list(self._lanes):
            self._run_thread(lane.name, lane.run)
        self._run_thread("catcher", self._catcher.run)
        self._run_thread("feed", self._feed.run)
        epoch, confirmed_at, looked_at = None, 0.0, time.monotonic()
        while not stop.wait(EPOCH_CHECK_S):
            epoch = self._restart_on_new_epoch(epoch)
            self._refuse_to_hang()
            self._refuse_to_lose()
            if time.monotonic() - confirmed_at > CONFIRM_CHECK_S:
                self._confirm_overdue()
                confirmed_at = time.monotonic()
            if time.monotonic() - looked_at > STANDING_CHECK_S:
                self._read_on()
                looked_at = time.monotonic()
        self._end()

    def _lane(self, name: str, consumers: Sequence[Consumer]) -> Lane:
        neighbours = Neighbours(
            self._feed.rewind, self._catcher.due.set, self._split, self._postpone
        )
        return Lane(name, consumers, self._pool, self._codec, self._reports, neighbours)

    def _categories(self) -> list[str]:
        return sorted({c for consumer in self._consumers for c in consumer.categories})

    def _run_thread(self, name: str, run: Callable[[threading.Event], None]) -> None:
        thread = threading.Thread(target=run, args=(self._stop,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _split(self, lane: Lane, consumer: Consumer) -> None:
        """From the lane's own thread, between two batches."""
        with self._feed.giving:
            own = lane.twin(consumer)
            self._lanes.append(own)
        # For this lane: the others count on theirs.
        self._pool.resize(self._pool.min_size, self._pool.max_size + 1)
        self._run_thread(own.name, own.run)

    def _register(self) -> None:
        """Make all known; who cannot run yet waits for the catcher. Raises what the database
        says.
        """
        for lane in list(self._lanes):
            for consumer in lane:
                if not self._known(consumer):
                    lane.hold_back(consumer.name)
                    self._postpone(consumer.name)

    def _postpone(self, name: str) -> None:
        """Have it wait until it is registered again."""
        self._pending.setdefault(name, 0.0)
        self._catcher.due.set()

    def _known(self, consumer: Consumer) -> bool:
        """False for another version than that which is live."""
        try:
            found = register(self._pool, consumer, self._log.partitions(consumer.categories))
        except UpgradeNeeded:
            return False
        return not found.behind

    def _start_pending(self, stop: threading.Event) -> None:
        """Read models of an older version are built anew; those of a newer one wait for their
        program.
        """
        for lane in list(self._lanes):
            for consumer in lane:
                name = consumer.name
                if stop.is_set() or time.monotonic() < self._pending.get(name, float("inf")):
                    continue
                try:
                    partitions = self._log.partitions(consumer.categories)
                    if register(self._pool, consumer, partitions).behind:
                        self._rebuilder.bring_up(consumer)
                        register(self._pool, consumer, partitions)
                except (UpgradeNeeded, RebuildStopped) as error:
                    log.error("%s stopped: %s", name, error)
                    self._reports.stopped([name], str(error))
                    self._pending[name] = time.monotonic() + STOPPED_RETRY_S
                except RebuildRunning as error:
                    log.info("%s waits: %s", name, error)
                else:
                    del self._pending[name]
                    lane.admit(name)

    def _end(self) -> None:
        """Again and again: a reader that was about to wait has not heard it."""
        deadline = time.monotonic() + END_PATIENCE_S
        while (left := [t for t in self._threads if t.is_alive()]) and time.monotonic() < deadline:
            self._feed.end_poll()
            self._catcher.due.set()
            for lane in self._lanes:
                lane.wake()
            left[0].join(timeout=0.05)

    def _refuse_to_hang(self) -> None:
        """No thread can be ended from outside, but a process can. Raises ReaderHangs."""
        if (hangs_at := self._feed.hangs_at) and time.monotonic() > hangs_at:
            # Where each thread stands, to the log of this process.
            faulthandler.dump_traceback(all_threads=True)
            raise ReaderHangs

    def _refuse_to_lose(self) -> None:
        """Raises ConsumerLost for a thread that ended by itself: the next process has it again."""
        for thread in self._threads:
            if not thread.is_alive():
                raise ConsumerLost(thread.name)

    def _restart_on_new_epoch(self, known: int | None) -> int | None:
        """`log recover` made all topics anew: positions in the old ones mean nothing."""
        try:
            _, epoch = PostgresEvents(self._pool).log_identity()
        except Exception as error:
            if not is_passing(error):
                raise
            return known
        if known not in (None, epoch):
            self._read_anew()
        return epoch

    def _read_on(self) -> None:
        """Reads anew where partitions stand still: kafka-python kept what it had fetched of one
        aside for ever, and nothing in the process knew (`tests/kafka/test_held_partitions.py`).
        """
        try:
            behind = self._standing.look()
        except Exception as error:
            if not is_passing(error):
                raise
            return
        idle = {lane.name for lane in list(self._lanes) if not lane.waiting}
        stand = {
            row.partition
            for row in behind
            if row.partition in self._feed.share and row.lane in idle and row.unmoved_s >= STANDS_S
        }
        if stand:
            named = ", ".join(sorted(map(str, stand)))
            log.error("the reader gives no more of %s: it begins anew", named)
            self._read_anew()

    def _read_anew(self) -> None:
        self._feed.restart.set()
        self._feed.end_poll()

    def _confirm_overdue(self) -> None:
        try:
            self._rebuilder.confirm_overdue()
        except Exception as error:
            if not is_passing(error):
                log.exception("replaced builds are kept for longer")


def lanes_of(consumers: Sequence[Consumer]) -> dict[str, list[Consumer]]:
    """Consumers of one kind share a lane, but for read models that rest between their batches:
    nobody should rest with them.
    """
    lanes: dict[str, list[Consumer]] = {}
    for consumer in consumers:
        rests = consumer.kind == "projection" and consumer.rest_s
        lanes.setdefault(consumer.name if rests else consumer.kind, []).append(consumer)
    return lanes
