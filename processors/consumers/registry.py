"""Making a consumer known: its row, its checkpoints and, for a projection, its first build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.log.partitions import LogPartition
from processors.consumers.checkpoints import create_rows
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.views import create_build, publish

LOCK_CLASS = 7521983


class UpgradeNeeded(NoCultureError):
    status, code = 500, "upgrade-needed"

    def __init__(self, name: str, version: int, known: int) -> None:
        super().__init__(
            f"{name} is at version {version} here and {known} in this program: upgrade it"
        )


@dataclass(frozen=True, slots=True)
class Registration:
    """`behind` is true when the live build is of an older version: rebuild it before consuming."""

    build: int
    behind: bool


def register(
    pool: ConnectionPool, consumer: Consumer, partitions: Sequence[LogPartition]
) -> Registration:
    """Idempotent, and safe from many workers at once. Raises UpgradeNeeded when a newer program was
    here.
    """
    with pool.connection() as connection, exclusively(connection, consumer.name):
        row = connection.execute(
            "SELECT version, live_build FROM consumers WHERE name = %s", (consumer.name,)
        ).fetchone()
        if row is None:
            _insert(connection, consumer)
            row = (consumer.version, 1)
        version, build = row
        if version > consumer.version:
            raise UpgradeNeeded(consumer.name, version, consumer.version)
        behind = version < consumer.version and isinstance(consumer, ProjectionConsumer)
        if not behind:
            describe(connection, consumer, build)
        create_rows(connection, consumer.name, build, partitions)
    return Registration(build, behind)


def live_build(connection: Connection, name: str) -> tuple[int, int] | None:
    """(number, version) of what readers see; None before its first worker."""
    return connection.execute(
        "SELECT live_build, version FROM consumers WHERE name = %s", (name,)
    ).fetchone()


@contextmanager
def exclusively(connection: Connection, name: str) -> Iterator[None]:
    """One transaction at a time changes what builds a consumer has."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK_CLASS, name))
        yield


def describe(connection: Connection, consumer: Consumer, live_build: int) -> None:
    """The consumer's row says what this program's consumer is."""
    facts = (live_build, consumer.version, list(consumer.categories), consumer.money)
    connection.execute(
        "UPDATE consumers SET (live_build, version, categories, money) = (%s, %s, %s, %s)"
        " WHERE name = %s"
        " AND (live_build, version, categories, money) IS DISTINCT FROM (%s, %s, %s, %s)",
        (*facts, consumer.name, *facts),
    )


def _insert(connection: Connection, consumer: Consumer) -> None:
    connection.execute(
        "INSERT INTO consumers (name, kind, version, categories, money)"
        " VALUES (%s, %s, %s, %s, %s)",
        (
            consumer.name,
            consumer.kind,
            consumer.version,
            list(consumer.categories),
            consumer.money,
        ),
    )
    if isinstance(consumer, ProjectionConsumer):
        # `views` itself is shared by all names.
        connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCK_CLASS,))
        publish(connection, consumer.name, create_build(connection, consumer.projection, 1))
