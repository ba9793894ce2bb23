"""The advanced clock: rows that every process sees at the same moment, and leases that do not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.store import advances
from events.store.advances import AdvancedClock, move, moved, was_advanced
from events.times import utc_now
from tests.conftest import Database

DAY = timedelta(days=1)
SOON = timedelta(seconds=1)


@pytest.fixture
def clocks(database: Database) -> Iterator[list[AdvancedClock]]:
    """Those of three processes."""
    with ExitStack() as stack:
        pools = [
            stack.enter_context(ConnectionPool(url, min_size=1, max_size=2))
            for url in (database.app_url, database.worker_url, database.app_url)
        ]
        yield [AdvancedClock(pool) for pool in pools]


@pytest.fixture
def app(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        yield connection


def is_ahead(clock: AdvancedClock, by: timedelta) -> bool:
    return abs(clock.now() - utc_now() - by) < SOON


def test_without_advances_it_is_the_machines(clocks: list[AdvancedClock]):
    before = utc_now()
    assert before <= clocks[0].now() <= utc_now()


def test_when_a_move_returns_every_process_sees_it(
    clocks: list[AdvancedClock], app: psycopg.Connection
):
    for total in (1, 2, 3):
        # They have just looked, so what they know is old by as much as it may be.
        assert all(is_ahead(clock, (total - 1) * DAY) for clock in clocks)
        move(app, f"cmd_{total}", DAY, DAY)
        assert all(is_ahead(clock, total * DAY) for clock in clocks)


def test_all_go_over_at_the_same_moment(clocks: list[AdvancedClock], app: psycopg.Connection):
    """Or what follows from a timer here could be stamped with a time before it there."""
    with ThreadPoolExecutor(1) as elsewhere:
        moving = elsewhere.submit(move, app, "cmd_1", DAY, DAY)
        gone_over = False
        while not moving.done():
            for clock in clocks:
                now_over = not is_ahead(clock, timedelta())
                assert now_over or not gone_over, "a process is behind one asked before it"
                gone_over = now_over
        moving.result()


def test_a_busy_process_asks_the_database_ten_times_a_second_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    with ConnectionPool(database.app_url, min_size=1, max_size=1) as pool:
        clock, looks = AdvancedClock(pool), []
        look = clock._look
        monkeypatch.setattr(clock, "_look", lambda: (looks.append(1), look()))
        until = time.monotonic() + 0.35
        while time.monotonic() < until:
            clock.now()
    assert 1 <= len(looks) <= 4


def test_a_move_whose_maker_was_killed_before_it_counted_is_waited_for(
    clocks: list[AdvancedClock], app: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as killed:
        killed.setattr(advances, "_wait_for", lambda row: None)
        move(app, "cmd_1", DAY, DAY)
    move(app, "cmd_2", DAY, DAY)
    assert all(is_ahead(clock, 2 * DAY) for clock in clocks)


def test_how_far_an_advance_came_is_known(app: psycopg.Connection):
    assert (moved(app, "cmd_1"), was_advanced(app)) == (None, False)
    move(app, "cmd_1", DAY, timedelta(microseconds=1))
    move(app, "cmd_1", DAY, timedelta(seconds=2))
    assert moved(app, "cmd_1") == (DAY, timedelta(seconds=2, microseconds=1))
    assert was_advanced(app)


def test_a_database_of_an_earlier_version_was_never_advanced(database: Database):
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP TABLE clock_advances")
        assert not was_advanced(owner)
