"""Blue/green: a new build of a read model is folded from the store beside the live one and swapped
in one transaction.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.errors import NoCultureError
from events.log.partitions import partition_of
from events.log.port import Vector
from events.log.progress import LogProgress
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import parking
from processors.consumers.batch import is_passing
from processors.consumers.checkpoints import copy_rows, lock_rows
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.registry import LOCK_CLASS, describe, exclusively
from processors.consumers.views import (
    create_build,
    drop_builds,
    key_columns,
    publish,
    schema_of,
)

log = logging.getLogger(__name__)
PAGE = 2_000


class NotRebuildable(NoCultureError):
    status, code = 409, "not-rebuildable"

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"{name} is a {kind}: only projections are made of events alone")


class NeverRegistered(NoCultureError):
    status, code = 409, "never-registered"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no build yet: start a worker once, then rebuild")


class RebuildStopped(NoCultureError):
    status, code = 500, "rebuild-stopped"

    def __init__(self, name: str, position: int, error: Exception) -> None:
        super().__init__(
            f"{name} cannot digest position {position} ({type(error).__name__}: {error}): the live"
            " build stays, correct the program and rebuild again"
        )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`events` were folded in `seconds`; `identical` compares with the live build's bytes, None if
    the versions differ.
    """

    name: str
    events: int
    seconds: float
    identical: bool | None


@dataclass(slots=True)
class _Build:
    """The one being made."""

    consumer: ProjectionConsumer
    number: int
    schema: str
    reached: int = 0
    events: int = 0


class Rebuilder:
    """Everything a rebuild needs; `event_log` as in LogProgress."""

    def __init__(
        self,
        pool: ConnectionPool,
        codec: EventCodec,
        event_log: Literal["kafka", "postgres"] = "kafka",
    ) -> None:
        self._pool, self._codec = pool, codec
        self._store = PostgresEvents(pool)
        self._progress = LogProgress(pool, event_log)

    def rebuild(self, consumer: Consumer) -> Rebuilt:
        """Raises RebuildStopped at the first event that cannot be folded; the live build stays as
        it is.
        """
        if not isinstance(consumer, ProjectionConsumer):
            raise NotRebuildable(consumer.name, consumer.kind)
        began = time.monotonic()
        with self._pool.connection() as lock:
            # Session lock: it must outlive many transactions, and one rebuild of a name runs at a
            # time.
            lock.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", _lock_of(consumer.name))
            lock.commit()
            try:
                build = self._begin(consumer)
                self._fold_beside(build)
                identical = self._swap(build)
                self._drop_replaced(build)
            finally:
                lock.rollback()
                lock.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", _lock_of(consumer.name))
                lock.commit()
        return Rebuilt(consumer.name, build.events, time.monotonic() - began, identical)

    def _begin(self, consumer: ProjectionConsumer) -> _Build:
        """A schema of its own, after clearing what an interrupted rebuild left."""
        with self._pool.connection() as connection, connection.transaction():
            row = connection.execute(
                "UPDATE consumers c SET last_build = c.last_build + 1 WHERE c.name = %s"
                " RETURNING c.last_build, c.live_build",
                (consumer.name,),
            ).fetchone()
            if row is None:
                raise NeverRegistered(consumer.name)
            number, live = row
            drop_builds(
                connection, consumer.name, keep=_live_schema(connection, consumer.name, live)
            )
            schema = create_build(connection, consumer.projection, number)
        twin = ProjectionConsumer(consumer.projection)
        twin.use_build(number)
        return _Build(twin, number, schema)

    def _fold_beside(self, build: _Build) -> None:
        """Up to where the live build is, in keyset pages: never one long snapshot."""
        while True:
            goal = self._progress.consumer_position(build.consumer.name)
            for page in self._store.walk(
                build.reached, page=PAGE, categories=build.consumer.categories
            ):
                within = [event for event in page if event.position <= goal]
                recorded = self._decoded(build, within)
                with self._pool.connection() as connection, connection.transaction():
                    self._fold(connection, build, recorded)
                if len(within) < len(page):
                    break
            build.reached = max(build.reached, goal)
            # What is left for the swap is at most about a page: the live build waits for it.
            if self._progress.consumer_position(build.consumer.name) - goal <= PAGE:
                return

    def _swap(self, build: _Build) -> bool | None:
        """The live build stands still, the new one folds the rest up to the same vector and takes
        its place.
        """
        name = build.consumer.name
        with self._pool.connection() as connection, exclusively(connection, name):
            row = connection.execute(
                "SELECT live_build, version FROM consumers WHERE name = %s FOR UPDATE", (name,)
            ).fetchone()
            if row is None:
                raise NeverRegistered(name)
            live, version = row
            vector = lock_rows(connection, name, live)
            self._fold_rest(connection, build, vector)
            same_version = version == build.consumer.version
            live_schema = schema_of(name, version, live)
            identical = _same(connection, name, live_schema, build.schema) if same_version else None
            copy_rows(connection, name, live, build.number)
            connection.execute(
                "DELETE FROM checkpoints WHERE consumer = %s AND build = %s", (name, live)
            )
            describe(connection, build.consumer, build.number)
            # The new build has digested what was put aside.
            parking.release(connection, name)
            publish(connection, name, build.schema)
        return identical

    def _fold_rest(self, connection: Connection, build: _Build, vector: Vector) -> None:
        furthest = max((checkpoint.position for checkpoint in vector.values()), default=0)
        for page in self._store.walk(
            build.reached, page=PAGE, categories=build.consumer.categories
        ):
            due = [event for event in page if vector.applied(partition_of(event), event.position)]
            self._fold(connection, build, self._decoded(build, due))
            if page[-1].position >= furthest:
                return

    def _decoded(self, build: _Build, events: Sequence[Envelope]) -> list[Recorded]:
        recorded = []
        for event in events:
            try:
                decoded = self._codec.decode(event)
            except Exception as error:
                if is_passing(error):
                    raise
                raise RebuildStopped(build.consumer.name, event.position, error) from error
            if decoded is not None:
                recorded.append(decoded)
        build.events += len(events)
        return recorded

    def _fold(self, connection: Connection, build: _Build, recorded: Sequence[Recorded]) -> None:
        if not recorded:
            return
        try:
            # A savepoint, so that the events can be tried one by one for the one to name.
            with connection.transaction():
                build.consumer.apply(connection, recorded)
        except Exception as error:
            if is_passing(error):
                raise
            for event in recorded:
                self._fold_one(connection, build, event)
            raise RebuildStopped(build.consumer.name, recorded[0].position, error) from error
        build.reached = recorded[-1].position

    def _fold_one(self, connection: Connection, build: _Build, event: Recorded) -> None:
        try:
            with connection.transaction():
                build.consumer.apply(connection, [event])
        except Exception as error:
            raise RebuildStopped(build.consumer.name, event.position, error) from error

    def _drop_replaced(self, build: _Build) -> None:
        try:
            with self._pool.connection() as connection, connection.transaction():
                drop_builds(connection, build.consumer.name, keep=build.schema)
        except psycopg.errors.LockNotAvailable:
            # Somebody still reads it; the next rebuild drops it.
            log.info("the replaced build of %s is still being read", build.consumer.name)


def _same(connection: Connection, table: str, live: str, new: str) -> bool:
    return digest(connection, live, table) == digest(connection, new, table)


def digest(connection: Connection, schema: str, table: str) -> bytes:
    """Of every row's text in the order of the primary key, streamed."""
    key = sql.SQL(", ").join(map(sql.Identifier, key_columns(connection, schema, table)))
    digest = hashlib.sha256()
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = PAGE
        cursor.execute(
            sql.SQL("SELECT t::text FROM {} t ORDER BY {}").format(
                sql.Identifier(schema, table), key
            )
        )
        for (row,) in cursor:
            digest.update(row.encode() + b"\n")
    return digest.digest()


def _live_schema(connection: Connection, name: str, live: int) -> str:
    row = connection.execute("SELECT version FROM consumers WHERE name = %s", (name,)).fetchone()
    return schema_of(name, row[0] if row else 0, live)


def _lock_of(name: str) -> tuple[int, str]:
    return LOCK_CLASS, f"rebuild {name}"
