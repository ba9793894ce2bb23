"""Runs consumers: one thread each, from the log's reader through `Batches`, until it is told to
stop.
"""

from __future__ import annotations

import faulthandler
import logging
import threading
import time
from collections.abc import Sequence

from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.errors import LogAhead, LogDiffers
from events.log.port import EventLog, LogItem, LogReader, Vector
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers.batch import Batches, ConsumerStopped, is_passing
from processors.consumers.checkpoints import CheckpointMoved, Checkpoints
from processors.consumers.consumer import Consumer
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import UpgradeNeeded, register, set_stopped
from processors.consumers.same_log import require_same_log
from processors.rebuild import Rebuilder
from processors.rebuild_errors import RebuildStopped
from schemas.telling import safely

log = logging.getLogger(__name__)
POLL_S = 2.0
EPOCH_CHECK_S = 2.0
CONFIRM_CHECK_S = 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 5.0
# A stopped consumer looks again whether somebody has helped it.
STOPPED_RETRY_S = 15.0
# A poll answers within two seconds, whatever the broker does.
HANGS_AFTER_S = 60.0
# A consumer counts as working again after so long without an error, or after one batch.
HEALTHY_AFTER_S = 5.0
END_PATIENCE_S = 30.0


class ReaderHangs(NoCultureError):
    """A client library stands still inside a call that should have ended long ago."""

    status, code = 500, "reader-hangs"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} has waited for its reader for more than {HANGS_AFTER_S:.0f} s: this process"
            " ends, the next one joins anew"
        )


class ConsumerLost(NoCultureError):
    """A consumer's thread ended by itself."""

    status, code = 500, "consumer-lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} ended by itself: this process ends, the next one has it again")


class Engine:
    """`pool` needs a connection per consumer. `rebuilder` brings a projection of an older version
    up to date.
    """

    def __init__(
        self,
        consumers: Sequence[Consumer],
        event_log: EventLog,
        pool: ConnectionPool,
        codec: EventCodec,
        rebuilder: Rebuilder,
    ) -> None:
        self._pool, self._rebuilder = pool, rebuilder
        self._workers = [
            _Worker(consumer, event_log, pool, codec, rebuilder) for consumer in consumers
        ]

    def starting(self) -> list[str]:
        """The consumers that have not been given their share of the log yet."""
        return [worker.name for worker in self._workers if not worker.placed]

    def run(self, stop: threading.Event) -> None:
        """Block until `stop`; every batch under way is finished first."""
        threads = [
            threading.Thread(target=worker.run, args=(stop,), name=worker.name, daemon=True)
            for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        epoch, confirmed_at = None, 0.0
        while not stop.wait(EPOCH_CHECK_S):
            epoch = self._restart_on_new_epoch(epoch)
            self._refuse_to_hang()
            self._refuse_to_lose(threads)
            if time.monotonic() - confirmed_at > CONFIRM_CHECK_S:
                self._confirm_overdue()
                confirmed_at = time.monotonic()
        self._end(threads)

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        """Again and again: a reader that was about to wait has not heard it."""
        deadline = time.monotonic() + END_PATIENCE_S
        while (left := [t for t in threads if t.is_alive()]) and time.monotonic() < deadline:
            for worker in self._workers:
                worker.end_poll()
            left[0].join(timeout=0.05)

    def _refuse_to_hang(self) -> None:
        """No thread can be ended from outside, but a process can. Raises ReaderHangs."""
        now = time.monotonic()
        for worker in self._workers:
            if (asked_at := worker.asked_at) and now - asked_at > HANGS_AFTER_S:
                # Where each thread stands, to the log of this process.
                faulthandler.dump_traceback(all_threads=True)
                raise ReaderHangs(worker.name)

    def _refuse_to_lose(self, threads: Sequence[threading.Thread]) -> None:
        """Raises ConsumerLost for a thread that ended by itself: the next process has it again."""
        for thread in threads:
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
            for worker in self._workers:
                worker.restart.set()
                worker.end_poll()
        return epoch

    def _confirm_overdue(self) -> None:
        try:
            self._rebuilder.confirm_overdue()
        except Exception as error:
            if not is_passing(error):
                log.exception("replaced builds are kept for longer")


class _Worker:
    def __init__(
        self,
        consumer: Consumer,
        event_log: EventLog,
        pool: ConnectionPool,
        codec: EventCodec,
        rebuilder: Rebuilder,
    ) -> None:
        self.name = consumer.name
        self.restart = threading.Event()
        self._consumer, self._log, self._pool = consumer, event_log, pool
        self._rebuilder = rebuilder
        self._checkpoints = Checkpoints(pool, consumer)
        self._batches = Batches(pool, consumer, self._checkpoints, codec)
        self._reader: LogReader | None = None
        self._pause_s = FIRST_PAUSE_S
        self._healthy = False
        # Latched: it has read, or said why it cannot.
        self.placed = False
        # When the poll that is under way began; None between two.
        self.asked_at: float | None = None

    def end_poll(self) -> None:
        """From another thread, once `stop` or `restart` is set: it looks at them now."""
        if reader := self._reader:
            reader.end()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._consume(stop)
            except (ConsumerStopped, UpgradeNeeded, RebuildStopped, LogAhead, LogDiffers) as error:
                log.error("%s stopped: %s", self.name, error)
                self._say_stopped(str(error))
                stop.wait(STOPPED_RETRY_S)
            except Exception as error:
                # Nothing of an event reaches here: it is the weather, or a fault of ours that a
                # pause may outlive.
                trace = None if is_passing(error) else error
                log.warning("%s starts again: %s", self.name, error, exc_info=trace)
                if trace is not None:
                    # Such a fault may repeat for ever, and readiness must not call that well.
                    self._say_stopped(f"{type(error).__name__}, again and again: see its log")
                self._pause(stop)

    def _consume(self, stop: threading.Event) -> None:
        self.restart.clear()
        self._healthy = False
        registration = register(
            self._pool, self._consumer, self._log.partitions(self._consumer.categories)
        )
        if registration.behind:
            self._rebuilder.bring_up(self._consumer)
        reader = self._log.reader(self.name, self._consumer.categories, self._load)
        self._reader = reader
        try:
            self._read(reader, stop)
        finally:
            self._reader = None
            reader.close()

    def _read(self, reader: LogReader, stop: threading.Event) -> None:
        reader.rewind()
        since = time.monotonic()
        while not stop.is_set() and not self.restart.is_set():
            items = self._poll(reader)
            self.placed = self.placed or reader.joined
            if items and not self._process(items, reader, stop):
                continue
            if 0 < len(items) < self._consumer.batch_size:
                stop.wait(self._consumer.rest_s)
            if not self._healthy and (items or time.monotonic() - since >= HEALTHY_AFTER_S):
                set_stopped(self._pool, self.name, None)
                self._healthy = True

    def _poll(self, reader: LogReader) -> Sequence[LogItem]:
        self.asked_at = time.monotonic()
        try:
            return reader.poll(self._consumer.batch_size, POLL_S)
        finally:
            self.asked_at = None

    def _process(self, items: Sequence[LogItem], reader: LogReader, stop: threading.Event) -> bool:
        """False when the batch was rolled back; the reader then stands at the checkpoints again.

        It keeps its place in the group: to join again costs a rebalance, to rewind a query.
        """
        try:
            require_same_log(self._pool, items)
            self._batches.process(items)
        except Exception as error:
            if not isinstance(error, CheckpointMoved) and not is_passing(error):
                raise
            log.info("%s reads again: %s: %s", self.name, type(error).__name__, error)
            self._pause(stop)
            reader.rewind()
            return False
        self._pause_s = FIRST_PAUSE_S
        return True

    def _pause(self, stop: threading.Event) -> None:
        stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _load(self) -> Vector:
        vector = self._checkpoints.load()
        if isinstance(self._consumer, ProjectionConsumer):
            self._consumer.use_build(self._checkpoints.build)
        return vector

    def _say_stopped(self, reason: str) -> None:
        self.placed = True
        try:
            set_stopped(self._pool, self.name, reason)
        except Exception as error:
            # Raised here, it would end this thread, and the consumer would stand still unsaid.
            log.warning("%s could not say why it stands: %s", self.name, safely(error))
