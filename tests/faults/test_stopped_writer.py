"""A process stopped (SIGSTOP) in the middle of an append freezes nobody for more than 5 s, and goes
on as if it had only been slow.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.store.log import SESSION, PostgresLog
from events.store.pending import StoreBusy
from tests.conftest import Database
from tests.installation import eventually
from tests.integration.store.conftest import append_of, pending

PROGRAM = Path(__file__).with_name("stopped_writer.py")
LOG_LOCK = "SELECT pg_advisory_xact_lock(7521980, 1)"
# The server looks at its timers when they are due; a loaded machine may be late by this.
LATE_S = 1.0


class Writer:
    """The other process."""

    def __init__(self, how: str, database: Database) -> None:
        self._child = subprocess.Popen(
            [sys.executable, str(PROGRAM), how, database.app_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.line() == "ready"

    def line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline().strip()

    def go(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def stop(self) -> None:
        self._child.send_signal(signal.SIGSTOP)
        eventually(lambda: self.state == "T", "the stop")

    @property
    def state(self) -> str:
        return Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")")[1].split()[0]

    def resume(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def outcome(self) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.line())
        assert self._child.wait(timeout=20) == 0
        return answer

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()


@contextmanager
def writer(how: str, database: Database) -> Iterator[Writer]:
    child = Writer(how, database)
    try:
        yield child
    finally:
        child.close()


@pytest.fixture
def log(database: Database) -> Iterator[PostgresLog]:
    with ConnectionPool(database.app_url, min_size=1, kwargs={"autocommit": True}) as pool:
        log = PostgresLog(database.app_url, pool)
        yield log
        log.close()


def appended_within_s(log: PostgresLog, patience_s: float = 30.0) -> tuple[float, float]:
    """(until an append was committed, the longest that one call took); busy ones are repeated."""
    began, longest_s = time.monotonic(), 0.0
    while True:
        called = time.monotonic()
        try:
            log.append(append_of(pending(AssetId.new(), 1)))
        except StoreBusy:
            longest_s = max(longest_s, time.monotonic() - called)
            assert time.monotonic() - began < patience_s, "nobody can write"
            continue
        return time.monotonic() - began, max(longest_s, time.monotonic() - called)


def test_one_that_holds_the_log_in_a_transaction_with_rows_alongside(
    database: Database, log: PostgresLog
):
    with writer("in a transaction", database) as stopped:
        stopped.go()
        assert stopped.line() == "stopping"
        eventually(lambda: stopped.state == "T", "the stop")
        until_s, longest_s = appended_within_s(log)
        assert until_s < 5 + LATE_S
        assert longest_s < 5
        stopped.resume()
        outcome = stopped.outcome()
    # Its transaction was ended for it: a clear answer, and the same command again succeeds, once.
    assert outcome["code"] == "store-busy"
    assert outcome["again"] == 2
    with psycopg.connect(database.app_url) as connection:
        assert connection.execute("SELECT count(*) FROM rate_limits").fetchone() == (1,)
        assert connection.execute("SELECT count(*), max(position) FROM events").fetchone() == (2, 2)


def test_one_whose_group_is_on_its_way(database: Database, log: PostgresLog):
    with writer("in a group", database) as stopped:
        with psycopg.connect(database.owner_url) as ahead:
            ahead.execute(LOG_LOCK)
            stopped.go()
            eventually(lambda: _waiting_for_the_log(database) == 1, "its append")
            stopped.stop()
        # The server has all of it: it commits without its sender, and then comes whoever is next.
        _until_s, longest_s = appended_within_s(log)
        assert longest_s < 3
        stopped.resume()
        outcome = stopped.outcome()
    assert outcome["position"] == 1
    assert [event.command_id for event in log.events.after(0, 10)].count(
        str(outcome["command"])
    ) == 1
    assert log.events.head() == 2


def test_one_that_takes_no_answer(database: Database, log: PostgresLog):
    """The server cannot finish what nobody reads: the connection is cut, and the lock is free."""
    with holding_the_log(database) as raw:
        # One simple query whose answer fits into no buffer.
        query = b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)\x00"
        raw.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
        until_s, longest_s = appended_within_s(log)
    assert until_s < 5 + 2 + LATE_S
    assert longest_s < 5


def test_one_that_stopped_in_the_middle_of_a_word(database: Database, log: PostgresLog):
    with holding_the_log(database) as raw:
        raw.sendall(b"Q" + (1_000).to_bytes(4, "big") + b"SELECT")
        until_s, longest_s = appended_within_s(log)
    assert until_s < 5 + LATE_S
    assert longest_s < 5


@contextmanager
def holding_the_log(database: Database) -> Iterator[socket.socket]:
    """Nobody's driver: the socket of a session in a transaction that holds the log lock."""
    connection = psycopg.connect(database.owner_url, options=SESSION)
    connection.execute(LOG_LOCK)
    raw = socket.socket(fileno=connection.pgconn.socket)
    try:
        yield raw
    finally:
        raw.detach()
        connection.close()


def _waiting_for_the_log(database: Database) -> int:
    with psycopg.connect(database.app_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND classid = 7521980"
        ).fetchone()
    return row[0] if row else 0
