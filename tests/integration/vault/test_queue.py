"""How long it takes until everything is measured, told from what was measured of late."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from read_api.vault.queue import Queue, left, read_queue
from tests.conftest import Database


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """Tables of its own before those of the log, so that times may be chosen."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for table in ("events", "effects"):
            connection.execute(
                f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING DEFAULTS)"
            )
        for column in ("event_id", "actor", "tenant", "command_id", "data", "leaf", "hash"):
            connection.execute(f"ALTER TABLE events ALTER {column} DROP NOT NULL")
        for column in ("effective_at", "correlation_id", "version", "input_hash"):
            connection.execute(f"ALTER TABLE events ALTER {column} DROP NOT NULL")
        yield connection


def happened(connection: psycopg.Connection, *events: tuple[str, str, float]) -> None:
    """(stream, type, seconds ago), in the order of the log."""
    for position, (stream, kind, ago_s) in enumerate(events, 1):
        connection.execute(
            "INSERT INTO events (position, stream_id, stream_version, category, type, recorded_at)"
            " VALUES (%s, %s, (SELECT count(*) + 1 FROM events WHERE stream_id = %s),"
            " 'analysis', %s, clock_timestamp() - make_interval(secs => %s))",
            (position, stream, stream, f"analysis.{kind}", ago_s),
        )


def wait_for(connection: psycopg.Connection, *work: tuple[str, int]) -> None:
    for number, (effect, rank) in enumerate(work):
        connection.execute(
            "INSERT INTO effects (effect, event_id, position, rank) VALUES (%s, %s, %s, %s)",
            (effect, f"evt_{number}", number, rank),
        )


def test_nothing_measured_yet_gives_no_estimate(connection: psycopg.Connection) -> None:
    wait_for(connection, ("probe", 0), ("analyse", 0), ("analyse", 1), ("mail", 0))
    happened(connection, ("a", "requested", 20), ("a", "completed", 10))
    queue = read_queue(connection)
    assert queue == Queue(uploads=2, again=1, pace_s=None)
    assert (queue.waiting, queue.left_s(queue.waiting)) == (3, None)


def test_the_pace_is_the_time_between_two_ends_while_others_wait(
    connection: psycopg.Connection,
) -> None:
    asked = [(stream, "requested", 100.0) for stream in "abcd"]
    ended = [("a", "completed", 90.0), ("b", "attempt_failed", 84.0), ("c", "completed", 72.0)]
    happened(connection, *asked, *ended)
    wait_for(connection, ("analyse", 0))
    queue = read_queue(connection)
    assert queue.pace_s == pytest.approx(9, abs=1)
    assert queue.left_s(20) == pytest.approx(180, abs=20)


def test_an_idle_hour_between_two_recordings_is_nobodys_work(
    connection: psycopg.Connection,
) -> None:
    happened(
        connection,
        *(("a", "requested", 3700.0), ("a", "completed", 3690.0)),
        *(("b", "requested", 60.0), ("b", "completed", 52.0)),
        *(("c", "requested", 30.0), ("c", "completed", 26.0)),
    )
    assert read_queue(connection).pace_s == pytest.approx(6, abs=1)


def test_what_was_measured_an_hour_ago_tells_nothing_of_today(
    connection: psycopg.Connection,
) -> None:
    asked = [(stream, "requested", 4000.0) for stream in "abc"]
    happened(connection, *asked, *[(stream, "completed", 3900.0) for stream in "abc"])
    assert read_queue(connection).pace_s is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "no estimate yet of how long"),
        (0, "less than a minute left"),
        (59, "less than a minute left"),
        (180, "about 3 min left"),
        (7100, "about 118 min left"),
        (7200, "about 2 h left"),
    ],
)
def test_time_left_is_told_no_more_exactly_than_it_is_known(
    seconds: float | None, told: str
) -> None:
    assert left(seconds) == told
