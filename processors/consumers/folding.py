"""Folds pages of the store into a build: one is read and one written while another is folded."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.log.partitions import partition_of
from events.log.port import Vector
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers.batch import is_passing
from processors.consumers.builds import Build, Reached, advance
from processors.consumers.consumer import Connection
from processors.consumers.rows import TableRows
from processors.rebuild_errors import NothingKept, RebuildStopped

PAGE = 5_000


@contextmanager
def _no_full_collections() -> Iterator[None]:
    """Pages of fresh objects set the collector off all the time, and it walks the whole program:
    18.4 us an event instead of 13.0. Young garbage is collected page by page.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class BuildFolder:
    """A page's rows and how far the build is commit together, so every event is folded in once,
    whenever the process dies. Raises RebuildStopped at an event that cannot be folded.
    """

    def __init__(self, pool: ConnectionPool, codec: EventCodec) -> None:
        self._pool, self._codec = pool, codec
        self._store = PostgresEvents(pool)

    def fold_up_to(self, build: Build, goal: int) -> None:
        """In keyset pages, never one long snapshot. `build` says how far it came."""
        with (
            ThreadPoolExecutor(1, "rebuild-read") as reading,
            ThreadPoolExecutor(1, "rebuild-write") as writing,
            _no_full_collections(),
        ):
            written: Future[None] | None = None
            for page in self._pages(reading, build, goal):
                gc.collect(0)
                events = self._decoded(build, self._due(build, page))
                with self._pool.connection() as connection:
                    rows = self._folded(connection, build, events)
                if written:
                    written.result()
                written = writing.submit(self._write, build, events, rows, page[-1].position)
            if written:
                written.result()
        build.reached = Reached(max(build.reached.position, goal), build.reached.vector)

    def fold_rest(self, connection: Connection, build: Build, live: Vector) -> Build:
        """Inside the caller's transaction, while the live build stands at `live`: fold what it has
        and the build has not. Answers what the build is once that has committed.
        """
        furthest = max((checkpoint.position for checkpoint in live.values()), default=0)
        position, count, gap = build.reached.position, build.events, None
        while page := self._after(build, position, furthest):
            position = page[-1].position
            in_live = [e for e in page if live.applied(partition_of(e), e.position)]
            if gap is None and len(in_live) < len(page):
                gap = next(e.position for e in page if e not in in_live)
            events = self._decoded(build, self._due(build, in_live))
            count += len(events)
            self._flush(connection, build, events, self._folded(connection, build, events))
        reached = Reached(max(position, furthest) if gap is None else gap - 1, Vector(live))
        if not advance(connection, build, reached, count):
            raise NothingKept(build.name, "the build was dropped meanwhile")
        return build.at(reached, count)

    def _pages(
        self, reading: ThreadPoolExecutor, build: Build, goal: int
    ) -> Iterator[list[Envelope]]:
        """The next page is on its way while the caller works on this one."""
        page = self._after(build, build.reached.position, goal)
        while page:
            following = reading.submit(self._after, build, page[-1].position, goal)
            yield page
            page = following.result()

    def _after(self, build: Build, position: int, goal: int) -> list[Envelope]:
        return self._store.after(position, PAGE, categories=build.consumer.categories, up_to=goal)

    def _due(self, build: Build, page: Sequence[Envelope]) -> list[Envelope]:
        aside = {stream for stream, _, _ in build.parked}
        return [e for e in page if not build.reached.has(e) and e.stream_id not in aside]

    def _decoded(self, build: Build, events: Sequence[Envelope]) -> list[Recorded]:
        recorded = []
        for event in events:
            try:
                decoded = self._codec.decode(event)
            except Exception as error:
                if is_passing(error):
                    raise
                raise RebuildStopped(build.name, event.position, error) from error
            if decoded is not None:
                recorded.append(decoded)
        return recorded

    def _folded(
        self, connection: Connection, build: Build, events: Sequence[Recorded]
    ) -> TableRows:
        try:
            return build.consumer.fold(connection, events)
        except Exception as error:
            if is_passing(error):
                raise
            for event in events:
                self._try_alone(connection, build, event)
            raise

    def _write(self, build: Build, events: Sequence[Recorded], rows: TableRows, to: int) -> None:
        count, reached = build.events + len(events), Reached(to, build.reached.vector)
        with self._pool.connection() as connection, connection.transaction():
            if not advance(connection, build, reached, count):
                raise NothingKept(build.name, "the build was dropped meanwhile")
            self._flush(connection, build, events, rows)
        build.reached, build.events = reached, count

    def _flush(
        self, connection: Connection, build: Build, events: Sequence[Recorded], rows: TableRows
    ) -> None:
        try:
            # A savepoint, so that the events can be tried one by one for the one to name.
            with connection.transaction():
                rows.flush(connection)
        except Exception as error:
            if is_passing(error):
                raise
            for event in events:
                self._try_alone(connection, build, event)
            raise

    def _try_alone(self, connection: Connection, build: Build, event: Recorded) -> None:
        try:
            with connection.transaction():
                build.consumer.apply(connection, [event])
        except Exception as error:
            raise RebuildStopped(build.name, event.position, error) from error
