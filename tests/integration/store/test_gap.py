"""A reader that tails the log by position misses nothing; behind a bare sequence it does.

Eight writers with connections of their own, one insert parked in the middle of its transaction
with its positions already drawn, and a reader that always goes on behind the last position it saw.
The same body runs over our append and over a table with a bigserial: there it loses the parked
events each time, which shows that the test can fail.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.store.log import PostgresLog
from events.store.postgres import append_in
from tests.conftest import Database
from tests.integration.store.conftest import append_of, pending

WRITERS = 8
GROUP = 50
PARKED = AssetId.new()
PARK_LOCK = 4_711
PAGE = 1_000
DEADLINE_S = 30


class Seen(NamedTuple):
    position: int
    stream: str
    version: int


class Table(Protocol):
    """Somewhere events go and are read from by position."""

    name: str

    def append(
        self, connection: psycopg.Connection, stream: str, first: int, count: int
    ) -> None: ...

    def after(self, position: int, limit: int) -> Sequence[Seen]: ...


class OurLog:
    name = "events"

    def __init__(self, log: PostgresLog) -> None:
        self._log = log

    def append(self, connection: psycopg.Connection, stream: str, first: int, count: int) -> None:
        versions = range(first, first + count)
        [verdict] = append_in(
            connection, [append_of(*(pending(stream, version) for version in versions))]
        )
        if isinstance(verdict, Exception):
            raise verdict

    def after(self, position: int, limit: int) -> Sequence[Seen]:
        return [
            Seen(e.position, e.stream_id, e.stream_version)
            for e in self._log.events.after(position, limit)
        ]


class BareSequence:
    """What most stores on Postgres do: a bigserial gives positions, commits happen as they do."""

    name = "bare"

    def __init__(self, owner: psycopg.Connection, pool: ConnectionPool) -> None:
        owner.execute(
            "CREATE TABLE bare (position bigserial PRIMARY KEY, stream_id text, version bigint)"
        )
        owner.execute("GRANT ALL ON bare, bare_position_seq TO PUBLIC")
        self._pool = pool

    def append(self, connection: psycopg.Connection, stream: str, first: int, count: int) -> None:
        connection.execute(
            "INSERT INTO bare (stream_id, version)"
            " SELECT %s, v FROM generate_series(%s::bigint, %s::bigint) AS v",
            (stream, first, first + count - 1),
        )

    def after(self, position: int, limit: int) -> Sequence[Seen]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT position, stream_id, version FROM bare WHERE position > %s"
                " ORDER BY position LIMIT %s",
                (position, limit),
            )
            return [Seen(*row) for row in rows]


class Tail(threading.Thread):
    """Reads on behind the last position it saw, until it was told that all is written."""

    def __init__(self, table: Table) -> None:
        super().__init__(daemon=True)
        self.table, self.seen = table, list[Seen]()
        self.all_written = threading.Event()

    def run(self) -> None:
        while True:
            last_round = self.all_written.is_set()
            page = self.table.after(self.seen[-1].position if self.seen else 0, PAGE)
            self.seen += page
            if last_round and not page:
                return

    def inversions(self) -> int:
        """Events of a stream that did not come right behind their predecessor."""
        last: dict[str, int] = {}
        wrong = 0
        for each in self.seen:
            wrong += each.version != last.get(each.stream, 0) + 1
            last[each.stream] = each.version
        return wrong


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@contextmanager
def parking(owner: psycopg.Connection, table: Table) -> Iterator[None]:
    """Whoever inserts an event of the stream PARKED waits for this lock with its row inserted."""
    owner.execute(
        "CREATE FUNCTION park() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
        f" PERFORM pg_advisory_xact_lock({PARK_LOCK}); RETURN NULL; END $$"
    )
    owner.execute(
        f"CREATE TRIGGER park AFTER INSERT ON {table.name} FOR EACH ROW"
        f" WHEN (NEW.stream_id = '{PARKED}') EXECUTE FUNCTION park()"
    )
    owner.execute("SELECT pg_advisory_lock(%s)", (PARK_LOCK,))
    try:
        yield
    finally:
        owner.execute("SELECT pg_advisory_unlock(%s)", (PARK_LOCK,))


def waiting(owner: psycopg.Connection) -> int:
    row = owner.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).fetchone()
    assert row is not None
    return row[0]


def parked_waits(owner: psycopg.Connection) -> bool:
    row = owner.execute(
        "SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND objid = %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (PARK_LOCK,),
    ).fetchone()
    return row is not None


def tail_beside_writers(
    database: Database, owner: psycopg.Connection, table: Table, groups_per_writer: int
) -> tuple[Tail, int]:
    """(the reader when all is over, how many events were committed)."""
    total = WRITERS * groups_per_writer * GROUP
    parked_now = threading.Event()

    def write(number: int) -> None:
        # Two streams each, in turn: a reader must not see one overtake itself.
        streams = AssetId.new(), AssetId.new()
        with psycopg.connect(database.app_url, autocommit=True) as connection:
            for group in range(groups_per_writer):
                # Half of it beside each other, the other half against the parked insert.
                if group == groups_per_writer // 2:
                    assert parked_now.wait(DEADLINE_S)
                first = group // 2 * GROUP + 1
                table.append(connection, streams[group % 2], first, GROUP)

    def write_parked() -> None:
        with psycopg.connect(database.app_url, autocommit=True) as connection:
            table.append(connection, PARKED, 1, GROUP)

    def committed() -> tuple[int, int]:
        """(how many, the last position)"""
        row = owner.execute(f"SELECT count(*), max(position) FROM {table.name}").fetchone()
        assert row is not None
        return row

    def undone() -> int:
        for writer in writers:
            if writer.done():
                writer.result()
        return sum(not writer.done() for writer in writers)

    tail = Tail(table)
    tail.start()
    with ThreadPoolExecutor(WRITERS + 1) as threads:
        with parking(owner, table):
            writers: list[Future[None]] = [threads.submit(write, n) for n in range(WRITERS)]
            until(lambda: undone() == WRITERS and len(tail.seen) > total // 4)
            parked = threads.submit(write_parked)
            until(lambda: undone() == WRITERS and parked_waits(owner))
            parked_now.set()
            # Nobody else can go on, or nobody else has anything left to do …
            until(lambda: waiting(owner) > undone())
            # … and the reader has seen all that there is to be seen.
            until(lambda: tail.seen[-1].position == committed()[1])
        for each in (parked, *writers):
            each.result(timeout=DEADLINE_S)
    tail.all_written.set()
    tail.join(timeout=DEADLINE_S)
    return tail, committed()[0]


def test_a_reader_of_our_log_misses_none_of_100_000(
    database: Database, owner: psycopg.Connection, log: PostgresLog
):
    tail, committed = tail_beside_writers(database, owner, OurLog(log), groups_per_writer=250)
    assert committed == 100_000 + GROUP
    assert [each.position for each in tail.seen] == list(range(1, committed + 1))
    assert tail.inversions() == 0


def test_a_reader_of_a_bare_sequence_loses_what_was_parked(
    database: Database, owner: psycopg.Connection, pool: ConnectionPool
):
    table = BareSequence(owner, pool)
    tail, committed = tail_beside_writers(database, owner, table, groups_per_writer=25)
    assert committed == 10_000 + GROUP
    assert committed - len(tail.seen) >= GROUP
    assert PARKED not in {each.stream for each in tail.seen}
