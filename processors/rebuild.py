"""Blue/green: a new build of a read model is folded from the store beside the live one and swapped
in one transaction; the old one is kept until that is confirmed (docs/adr/0012).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from events.log.partitions import partition_of
from events.log.port import Vector
from events.log.progress import LogProgress
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import builds, parking
from processors.consumers.builds import Build
from processors.consumers.checkpoints import copy_rows, lock_rows
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.folding import BuildFolder
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import LOCK_CLASS, describe, exclusively, live_build
from processors.consumers.views import (
    analyse,
    create_build,
    drop_builds,
    is_there,
    publish,
    same_bytes,
    schema_of,
)
from processors.rebuild_errors import (
    NeverRegistered,
    NothingKept,
    NotRebuildable,
    OtherProgram,
    RebuildRunning,
    ViewInUse,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
KEEP_S = 24 * 3600.0
# So many positions may be left when the live build is made to wait: some tens of milliseconds.
CLOSE = 500
# A reader of the view in the middle of a query is waited for this long, with nobody held up for
# longer than that, and then again.
VIEW_LOCK_MS, VIEW_PAUSE_S, VIEW_PATIENCE_S = 100, 0.1, 60.0


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`events` is what the build has folded, also before an interruption; `seconds` is of this run.
    `identical` compares with the live build's bytes, None if the versions differ or its table
    was lost. The live build waited for `held_ms` at a time.
    """

    name: str
    events: int
    seconds: float
    identical: bool | None
    held_ms: float


class Rebuilder:
    """Everything a rebuild needs; `event_log` as in LogProgress. A replaced build is kept for
    `keep_s`.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        codec: EventCodec,
        event_log: Literal["kafka", "postgres"] = "kafka",
        keep_s: float = KEEP_S,
    ) -> None:
        self._pool, self._keep_s = pool, keep_s
        self._store = PostgresEvents(pool)
        self._folder = BuildFolder(pool, codec)
        self._progress = LogProgress(pool, event_log)

    def rebuild(self, consumer: Consumer, *, keep: bool = True) -> Rebuilt:
        """Goes on with what an interrupted one has made. Raises RebuildStopped at the first event
        that cannot be folded; the live build stays as it is. Without `keep` there is no way back:
        what is replaced knows events that the log has lost. Nor is there to a table that was lost.
        """
        projection = _projection(consumer)
        with self._alone(consumer.name):
            lost = self._is_lost(projection)
            rebuilt = self._rebuild(projection)
        if lost or not keep:
            self.confirm(projection)
        return rebuilt

    def bring_up(self, consumer: Consumer) -> None:
        """Rebuild unless somebody else just did."""
        projection = _projection(consumer)
        with self._alone(consumer.name):
            with self._pool.connection() as connection:
                live = live_build(connection, consumer.name)
            if live is not None and live[1] < projection.version:
                self._rebuild(projection)

    def roll_back(self, consumer: Consumer) -> Rebuilt:
        """The kept build catches up and is live again; what it replaces is kept in its place.
        Raises NothingKept or OtherProgram.
        """
        projection, began = _projection(consumer), time.monotonic()
        with self._alone(consumer.name):
            with self._pool.connection() as connection:
                build = builds.find(connection, projection, "kept")
            if build is None:
                raise NothingKept(consumer.name)
            if build.version != consumer.version:
                raise OtherProgram(consumer.name, build.version, consumer.version)
            if build.epoch != self._epoch():
                raise NothingKept(consumer.name, "the log was recovered since")
            self._catch_up(build)
            held_s = self._patiently(build, self._swap)
        return Rebuilt(build.name, build.events, time.monotonic() - began, None, held_s * 1000)

    def confirm(self, consumer: Consumer) -> bool:
        """Drop the replaced build; False if none is kept."""
        name = _projection(consumer).name
        with self._alone(name), self._pool.connection() as connection, connection.transaction():
            return drop_builds(connection, name, "kept") > 0

    def confirm_overdue(self) -> None:
        """Drop what was replaced longer than `keep_s` ago."""
        with self._pool.connection() as connection:
            for name in builds.overdue(connection):
                with connection.transaction():
                    drop_builds(connection, name, "kept")
                log.info("the replaced build of %s was dropped: its time is over", name)

    def _rebuild(self, consumer: ProjectionConsumer) -> Rebuilt:
        began = time.monotonic()
        build = self._begin(consumer)
        self._catch_up(build)
        identical, compare_held_s = self._patiently(build, self._compare)
        self._catch_up(build)
        held_s = max(compare_held_s, self._patiently(build, self._swap))
        seconds = time.monotonic() - began
        return Rebuilt(build.name, build.events, seconds, identical, held_s * 1000)

    def _begin(self, consumer: ProjectionConsumer) -> Build:
        """The build that an interrupted rebuild of this program left, or one from nothing. To begin
        another confirms the last one.
        """
        name, epoch = consumer.name, self._epoch()
        with self._pool.connection() as connection, exclusively(connection, name):
            if live_build(connection, name) is None:
                raise NeverRegistered(name)
            left = builds.find(connection, consumer, "making")
            program = builds.program_of(consumer.projection)
            if left and (left.version, left.epoch, left.program) == (
                consumer.version,
                epoch,
                program,
            ):
                log.info("%s goes on behind position %d", name, left.reached.position)
                return left
            drop_builds(connection, name, "making", "kept")
            build = builds.add_making(connection, consumer, epoch)
            create_build(connection, consumer.projection, build.number)
        return build

    def _catch_up(self, build: Build) -> None:
        """To where the live build is, as nearly as is possible without stopping it."""
        while True:
            goal = self._progress.consumer_position(build.name)
            self._folder.fold_up_to(build, goal)
            if self._progress.consumer_position(build.name) - goal <= CLOSE:
                return

    def _compare(self, build: Build) -> tuple[bool | None, float]:
        """(same bytes, how long the live build waited). It waits until both builds are at the same
        vector and a snapshot of that is taken; the bytes are compared afterwards, in the snapshot.
        """
        new = schema_of(build.name, build.version, build.number)
        with self._pool.connection() as reader:
            analyse(reader, new, build.name)
            with self._pool.connection() as holder, self._held(holder, build) as held:
                live = schema_of(build.name, held.version, held.number)
                if held.version != build.version or not is_there(holder, build.name, live):
                    return None, 0.0
                with self._pool.connection() as writer, writer.transaction():
                    caught_up = self._folder.fold_rest(writer, build, held.vector)
                build.reached, build.events = caught_up.reached, caught_up.events
                reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                reader.execute("SELECT 1")
            held_s = time.monotonic() - held.since
            try:
                return same_bytes(reader, build.name, live, new), held_s
            finally:
                reader.rollback()

    def _swap(self, build: Build) -> float:
        """The live build stands still, the other folds the rest up to the same vector and takes its
        place. Answers how long it stood.
        """
        name = build.name
        with self._pool.connection() as connection, self._held(connection, build) as held:
            at = self._folder.fold_rest(connection, build, held.vector)
            live = (held.number, held.version)
            builds.keep_replaced(connection, build, live, at.reached, self._keep_s)
            copy_rows(connection, name, held.number, build.number)
            connection.execute(
                "DELETE FROM checkpoints WHERE consumer = %s AND build = %s", (name, held.number)
            )
            describe(connection, build.consumer, build.number)
            # The new build has folded the parked events; a kept build brings its own back.
            parking.release(connection, name)
            self._park_again(connection, build, held.vector)
            connection.execute(f"SET LOCAL lock_timeout = '{VIEW_LOCK_MS}ms'")
            publish(connection, name, schema_of(name, build.version, build.number))
        build.reached, build.events = at.reached, at.events
        return time.monotonic() - held.since

    def _patiently(self, build: Build, step: Callable[[Build], T]) -> T:
        """Again and again while somebody holds what the step needs, a query on the view above
        all.
        """
        began = time.monotonic()
        while True:
            try:
                return step(build)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                if time.monotonic() - began > VIEW_PATIENCE_S:
                    raise ViewInUse(build.name, VIEW_PATIENCE_S) from error
            time.sleep(VIEW_PAUSE_S)
            self._catch_up(build)

    @contextmanager
    def _held(self, connection: Connection, build: Build) -> Iterator[_Held]:
        """No batch of the live build commits inside."""
        with exclusively(connection, build.name):
            row = connection.execute(
                "SELECT live_build, version FROM consumers WHERE name = %s FOR UPDATE",
                (build.name,),
            ).fetchone()
            if row is None:
                raise NeverRegistered(build.name)
            vector = lock_rows(connection, build.name, row[0])
            yield _Held(row[0], row[1], vector, time.monotonic())

    def _park_again(self, connection: Connection, build: Build, live: Vector) -> None:
        """Streams that a kept build had parked are parked again, with all that came since."""
        for stream, position, error in build.parked:
            events = [
                event
                for event in self._store.stream(stream)
                if event.position >= position and live.applied(partition_of(event), event.position)
            ]
            parking.park(connection, build.name, events[0], error)
            parking.put_aside(connection, build.name, events[1:])

    def _is_lost(self, consumer: ProjectionConsumer) -> bool:
        with self._pool.connection() as connection:
            live = live_build(connection, consumer.name)
            if live is None:
                return False
            number, version = live
            return not is_there(
                connection, consumer.name, schema_of(consumer.name, version, number)
            )

    def _epoch(self) -> int:
        return self._store.log_identity()[1]

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One process at a time makes builds of a name. A session lock: it must outlive many
        transactions, and dies with its process.
        """
        key = (LOCK_CLASS, f"rebuild {name}")
        with self._pool.connection() as lock:
            row = lock.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", key).fetchone()
            lock.commit()
            if not (row and row[0]):
                raise RebuildRunning(name)
            try:
                yield
            finally:
                lock.rollback()
                lock.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)
                lock.commit()


@dataclass(frozen=True, slots=True)
class _Held:
    """The live build, and when it began to wait (monotonic seconds)."""

    number: int
    version: int
    vector: Vector
    since: float


def _projection(consumer: Consumer) -> ProjectionConsumer:
    if not isinstance(consumer, ProjectionConsumer):
        raise NotRebuildable(consumer.name, consumer.kind)
    return consumer
