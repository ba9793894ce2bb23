"""Sums, greatest values and deletes by prefix: a batch writes what its changes would one by one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from processors.consumers.merging import OrderWouldMatter, Ways, WrongColumn
from processors.consumers.rows import TableRows
from processors.consumers.views import same_bytes

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
MERGED = """
    owner text COLLATE "C", part integer, title text, plays bigint NOT NULL DEFAULT 0,
    cents numeric, best numeric, at timestamptz, day date, name text, PRIMARY KEY (owner, part)
"""


def make_merged(pool: ConnectionPool, *tables: str) -> None:
    with pool.connection() as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} ({MERGED})".encode())


def some_changes(chance: random.Random, count: int) -> list[Callable[[TableRows], None]]:
    """Few rows, so that most changes meet others; decimals with zeros at the end, odd texts."""
    tokyo = timezone(timedelta(hours=9))

    def number() -> int | Decimal:
        amount = Decimal(chance.randint(-30, 30)).scaleb(-chance.randint(0, 2))
        return chance.choice([chance.randint(-3, 3), amount])

    def change() -> Callable[[TableRows], None]:
        key = chance.choice("abc"), chance.randint(1, 3)
        moment = NOON + timedelta(hours=chance.randint(-3, 3))
        name = "".join(chance.choices("aÄ\x00\x01\ud800🎤", k=2))
        plays, cents, best = chance.randint(-5, 5), number(), number()
        width = chance.choice((1, 1, 2))
        match chance.randrange(9):
            case 0 | 1:
                return lambda rows: rows.upsert(key, title=name)
            case 2 | 3:
                return lambda rows: rows.add(key, plays=plays, cents=cents)
            case 4:
                return lambda rows: rows.max(key, best=best, name=name)
            case 5:
                return lambda rows: rows.max(key, at=moment.astimezone(tokyo), day=moment.date())
            case 6:
                return lambda rows: rows.max(key, at=moment, name=None)
            case 7:
                return lambda rows: rows.delete(key)
        return lambda rows: rows.delete_prefix(*key[:width])

    return [change() for _ in range(count)]


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_writes_the_same_bytes_as_its_changes_one_by_one(pool: ConnectionPool, seed: int):
    with pool.connection() as connection:
        connection.execute("CREATE SCHEMA at_once; CREATE SCHEMA one_by_one")
    make_merged(pool, "at_once.merged", "one_by_one.merged")
    chance, ways = random.Random(seed), Ways()
    with pool.connection() as connection:
        for _ in range(6):
            batch = TableRows("at_once", "merged", ("owner", "part"), ways)
            for change in some_changes(chance, chance.randint(1, 40)):
                single = TableRows("one_by_one", "merged", ("owner", "part"), ways)
                change(single)
                single.flush(connection)
                change(batch)
            batch.flush(connection)
            assert same_bytes(connection, "merged", "at_once", "one_by_one")


class Counting:
    """A connection that remembers its statements."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection, self.statements = connection, []

    def execute(self, statement: Any, parameters: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        self.statements.append(text.split(" ", 1)[0])
        return self._connection.execute(statement, parameters)


def test_a_batch_is_a_statement_a_width_of_deletes_one_that_locks_and_one_a_set_of_columns(
    pool: ConnectionPool,
):
    make_merged(pool, "merged")
    ways = Ways()
    with pool.connection() as connection:
        counting = Counting(connection)
        for _ in range(2):
            counting.statements.clear()
            rows = TableRows("public", "merged", ("owner", "part"), ways)
            for number in range(100):
                rows.delete_prefix(f"gone {number}")
                rows.upsert(("a", number), title="x")
                rows.add(("a", number), plays=1)
                rows.max(("a", number), at=NOON)
                rows.add(("b", number), plays=1, cents=2)
                rows.add(("b", number), plays=1)
            rows.flush(counting)
        (plays,) = connection.execute("SELECT sum(plays) FROM merged").fetchone()
    assert counting.statements == ["DELETE", "INSERT", "INSERT", "INSERT"]
    assert plays == 2 * 300


class Pausing(Counting):
    """Waits after its first statement until the other one's is done too, or has to wait."""

    def __init__(self, connection: psycopg.Connection, done: threading.Barrier) -> None:
        super().__init__(connection)
        self._done = done

    def execute(self, statement: Any, parameters: Any) -> Any:
        answer = super().execute(statement, parameters)
        if len(self.statements) == 1:
            with suppress(threading.BrokenBarrierError):
                self._done.wait(0.5)
        return answer


def test_two_workers_that_meet_in_several_sets_of_columns_do_not_lock_each_other_out(
    pool: ConnectionPool,
):
    make_merged(pool, "merged")
    done, ways = threading.Barrier(2), Ways()

    def work(played: str, paid: str) -> None:
        rows = TableRows("public", "merged", ("owner", "part"), ways)
        for owner in played:
            rows.add((owner, 1), plays=1)
        rows.add((paid, 1), cents=1)
        with pool.connection() as connection, connection.transaction():
            rows.flush(Pausing(connection, done))

    # Looks at the columns, which is a statement too.
    work("x", "y")
    done.reset()
    with ThreadPoolExecutor(2) as workers:
        for each in [workers.submit(work, "ac", "b"), workers.submit(work, "b", "c")]:
            each.result(20)
    with pool.connection() as connection:
        rows = connection.execute("SELECT owner, plays, cents FROM merged ORDER BY 1").fetchall()
    assert rows[:3] == [("a", 1, None), ("b", 1, 1), ("c", 1, 1)]


def test_a_column_that_another_batch_set_is_not_added_to(pool: ConnectionPool):
    make_merged(pool, "merged")
    ways = Ways()
    first, second, third = (
        TableRows("public", "merged", ("owner", "part"), ways) for _ in range(3)
    )
    first.upsert(("a", 1), plays=1)
    with pool.connection() as connection:
        first.flush(connection)
        with pytest.raises(OrderWouldMatter, match="plays is set by one event and added to"):
            second.add(("b", 1), plays=1)
        second.add(("b", 1), cents=1)
        third.upsert(("c", 1), cents=1)
        with pytest.raises(OrderWouldMatter, match="cents is added to by one event and set"):
            third.flush(connection)


@pytest.mark.parametrize(
    ("column", "kind", "value"),
    [
        ("double precision", "add", 1),
        ("numeric(9,2)", "add", 1),
        ("bigint DEFAULT 1", "add", 1),
        ("numeric DEFAULT 0.00", "add", 1),
        ("bigint DEFAULT 0", "max", 1),
        ("text", "max", 1),
        ("bigint", "max", "1"),
        ("timestamp", "max", NOON),
        ("timestamptz", "max", date(2026, 1, 1)),
    ],
    ids=str,
)
def test_a_column_that_depends_on_the_order_is_refused(
    pool: ConnectionPool, column: str, kind: str, value: Any
):
    rows = TableRows("public", "odd", ("id",))
    getattr(rows, kind)("a", value=value)
    with pool.connection() as connection:
        connection.execute(f"CREATE TABLE odd (id text PRIMARY KEY, value {column})".encode())
        with pytest.raises(WrongColumn, match="value"):
            rows.flush(connection)
