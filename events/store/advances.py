"""The domain's clock in test mode: the machine's time plus all that it was advanced by.

The advances are rows. A process looks at them when its last look is older than SEEN_WITHIN_S, and a
row counts only COUNTS_AFTER_S after it was written: so every process goes over to the new time at
the same moment, and nothing that follows from a timer can be stamped with a time before it.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.times import utc_now

SEEN_WITHIN_S = 0.1
# Twice and more, for a commit takes a while.
COUNTS_AFTER_S = 0.25
_MICROSECOND = timedelta(microseconds=1)
_NEWEST = "SELECT counts_from, total_us FROM clock_advances ORDER BY number DESC LIMIT 2"

Connection = psycopg.Connection[Any]


class AdvancedClock:
    """Thread-safe. Raises what the database says when it cannot be asked: a wrong time would be
    stored for ever.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool, self._looking = pool, threading.Lock()
        self._newest: list[tuple[datetime, int]] = []
        self._looked_at = float("-inf")

    def now(self) -> datetime:
        if self._is_old():
            self._look()
        machine = utc_now()
        counting = self._newest
        # The one before it has been waited for (`move`).
        if counting and counting[0][0] > machine:
            counting = counting[1:]
        return machine + (counting[0][1] if counting else 0) * _MICROSECOND

    def _is_old(self) -> bool:
        return time.monotonic() - self._looked_at > SEEN_WITHIN_S

    def _look(self) -> None:
        with self._looking:
            if not self._is_old():
                return
            # Before the question: the answer may be as old as that.
            looked_at = time.monotonic()
            with self._pool.connection() as connection:
                self._newest = connection.execute(_NEWEST).fetchall()
            self._looked_at = looked_at


def was_advanced(connection: Connection) -> bool:
    """False also for a database that has not got this version's tables yet."""
    row = connection.execute("SELECT to_regclass('public.clock_advances')").fetchone()
    if row is None or row[0] is None:
        return False
    row = connection.execute("SELECT EXISTS (SELECT FROM clock_advances)").fetchone()
    return bool(row and row[0])


def moved(connection: Connection, command_id: str) -> tuple[timedelta, timedelta] | None:
    """(asked, moved so far) of an advance; None if it has not moved."""
    row = connection.execute(
        "SELECT min(asked_us), sum(moved_us)::bigint FROM clock_advances WHERE command_id = %s",
        (command_id,),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return row[0] * _MICROSECOND, row[1] * _MICROSECOND


def ahead(connection: Connection) -> timedelta:
    """How far the clock is before the machine's, moves included that do not count yet."""
    row = connection.execute("SELECT max(total_us) FROM clock_advances").fetchone()
    return (row[0] if row and row[0] else 0) * _MICROSECOND


def move(connection: Connection, command_id: str, asked: timedelta, by: timedelta) -> None:
    """Moves the clock of every process, and returns when it has. Whoever calls holds the lock of
    advances.
    """
    # Whoever made the one before may have been killed before it counted.
    _wait_for(connection.execute(_NEWEST).fetchone())
    _wait_for(
        connection.execute(
            "INSERT INTO clock_advances (command_id, asked_us, moved_us, total_us, counts_from)"
            " SELECT %(command)s, %(asked)s, %(by)s, %(by)s + coalesce(max(total_us), 0),"
            " clock_timestamp() + make_interval(secs => %(after)s)"
            " FROM clock_advances RETURNING counts_from",
            {
                "command": command_id,
                "asked": asked // _MICROSECOND,
                "by": by // _MICROSECOND,
                "after": COUNTS_AFTER_S,
            },
        ).fetchone()
    )


def _wait_for(row: tuple[datetime, ...] | None) -> None:
    while row and (left := row[0] - utc_now()) > timedelta():
        time.sleep(left.total_seconds())
