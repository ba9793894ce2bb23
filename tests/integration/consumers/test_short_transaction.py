"""A transaction in a pipeline commits and rolls back as any other does."""

from __future__ import annotations

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.store.liveness import check_connection
from processors.consumers.transaction import short_transaction
from tests.conftest import Database


@pytest.fixture
def table(pool: ConnectionPool) -> ConnectionPool:
    with pool.connection() as connection:
        connection.execute("CREATE SCHEMA made; CREATE TABLE made.numbers (n int PRIMARY KEY)")
    return pool


def numbers(pool: ConnectionPool) -> list[int]:
    with pool.connection() as connection:
        rows = connection.execute("SELECT n FROM made.numbers ORDER BY n").fetchall()
    return [n for (n,) in rows]


def test_everything_is_committed_at_the_end(table: ConnectionPool):
    with table.connection() as connection:
        with short_transaction(connection):
            connection.execute("INSERT INTO made.numbers VALUES (1)")
            inserted = connection.execute("INSERT INTO made.numbers VALUES (2) RETURNING n")
            assert inserted.fetchall() == [(2,)]
            assert numbers(table) == []
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert numbers(table) == [1, 2]


def insert(connection: psycopg.Connection, *values: int, failing: bool = False) -> None:
    with short_transaction(connection):
        for value in values:
            connection.execute("INSERT INTO made.numbers VALUES (%s)", (value,))
        if failing:
            raise LookupError


def test_an_error_that_nobody_reads_is_raised_at_the_end(table: ConnectionPool):
    with table.connection() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            insert(connection, 1, 1)
        insert(connection, 7)
    assert numbers(table) == [7]


def test_what_the_block_raises_rolls_back(table: ConnectionPool):
    with table.connection() as connection:
        with pytest.raises(LookupError):
            insert(connection, 1, failing=True)
        insert(connection, 7)
    assert numbers(table) == [7]


def test_a_connection_that_the_server_ended_is_found_without_asking(database: Database):
    with psycopg.connect(database.worker_url, autocommit=True) as connection:
        check_connection(connection)
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            check_connection(connection)


def test_a_connection_that_has_something_to_tell_is_not_broken(database: Database):
    with psycopg.connect(database.worker_url, autocommit=True) as connection:
        connection.execute("LISTEN something")
        with psycopg.connect(database.worker_url, autocommit=True) as other:
            other.execute("NOTIFY something")
        check_connection(connection)
        assert connection.execute("SELECT 1").fetchone() == (1,)
