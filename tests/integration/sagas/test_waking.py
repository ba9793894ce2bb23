"""Runners sleep until the next work is due; what comes meanwhile wakes them in every process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from processors import wake as waking
from processors.sagas.rows import SagaRows, TimerRow
from processors.sagas.timers import Timers
from processors.wake import CHANNEL, COMMANDS, TIMERS, Wake, WorkTail
from tests.conftest import Database
from tests.integration.sagas.ingests import SAGAS, Ingests, poll
from tests.integration.sagas.test_effects import Reading, runner_of, want, work_left

# So long that a test which needed it would fail.
NEVER_S = 600.0


class Sleeper(Wake):
    """Says when somebody sleeps, and for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: list[float] = []

    def wait(self, seen: int, timeout_s: float) -> None:
        self.sleeps.append(timeout_s)
        super().wait(seen, timeout_s)


@pytest.fixture(autouse=True)
def looks_by_itself_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "LOOK_S", NEVER_S)


@contextmanager
def at_work(*works: Callable[[threading.Event], None], wake: Wake) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(stop,)) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        for thread in threads:
            thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def set_timer(ingests: Ingests, delay_s: float) -> None:
    """As a step of a saga that does not exist would: firing it takes nothing but its row."""
    now = ingests.log.clock.now()
    due_at, token = now + timedelta(seconds=delay_s), f"in {delay_s}"
    row = TimerRow("ing_none", token, "ingest", due_at, "wsp_none", "cor_none", f"evt_{token}")
    with ingests.pool.connection() as connection, connection.transaction():
        SagaRows().write(connection, [], [row], {}, [], now)


def timers_of(ingests: Ingests, wake: Wake) -> Timers:
    arguments = (ingests.log, ingests.pool, ingests.codec, Wake())
    return Timers(SAGAS, *arguments, due=wake)


def test_work_that_another_process_wrote_wakes_a_sleeping_runner(
    ingests: Ingests, database: Database
):
    effect, wake = Reading(), Sleeper()
    runner = runner_of(ingests, effect, wake)
    tail = WorkTail(database.worker_url, {effect.name: wake})
    with at_work(runner.run, tail.run, wake=wake):
        poll(lambda: len(wake.sleeps) > 1)  # it has heard that somebody listens
        ingests.upload()
        want(ingests, effect)
        poll(lambda: work_left(ingests) == 0)
    assert set(wake.sleeps) == {NEVER_S}


def test_work_that_nobody_was_told_of_is_found_by_the_next_look(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waking, "LOOK_S", 0.05)
    effect, wake = Reading(), Sleeper()
    runner = runner_of(ingests, effect, wake)
    with at_work(runner.run, wake=wake):
        poll(lambda: len(wake.sleeps) > 0)
        ingests.upload()
        want(ingests, effect)
        poll(lambda: work_left(ingests) == 0)


def test_a_tail_that_lost_its_connection_tells_of_what_came_meanwhile(
    ingests: Ingests, database: Database
):
    wake = Wake()
    tail = WorkTail(database.worker_url, {"reading": wake})
    with at_work(tail.run, wake=wake):
        poll(lambda: wake.sets == 1)
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query = %s AND datname = current_database()",
                (f"LISTEN {CHANNEL}",),
            )
        poll(lambda: wake.sets == 2)


def test_a_tail_that_stops_wakes_everybody_to_see_it(database: Database):
    wakes = {COMMANDS: Wake(), TIMERS: Wake()}
    stop = threading.Event()
    thread = threading.Thread(target=WorkTail(database.worker_url, wakes).run, args=(stop,))
    thread.start()
    poll(lambda: all(wake.sets == 1 for wake in wakes.values()))
    stop.set()
    thread.join(30)
    assert [wake.sets for wake in wakes.values()] == [2, 2]


def test_timers_sleep_until_the_next_is_due(ingests: Ingests):
    set_timer(ingests, 120)
    wake = Sleeper()
    with at_work(timers_of(ingests, wake).run, wake=wake):
        poll(lambda: len(wake.sleeps) > 0)
    assert 100 < wake.sleeps[0] <= 120


def test_a_timer_that_is_due_before_the_one_slept_for_is_fired_in_time(
    ingests: Ingests, database: Database
):
    set_timer(ingests, 120)
    wake = Sleeper()
    tail = WorkTail(database.worker_url, {TIMERS: wake})
    with at_work(timers_of(ingests, wake).run, tail.run, wake=wake):
        poll(lambda: len(wake.sleeps) > 1)
        set_timer(ingests, 0.2)
        poll(lambda: ingests.timers_set() == ["in 120"])


def test_work_that_failed_is_tried_again_when_it_is_due_and_no_sooner(ingests: Ingests):
    def failing(_: object) -> None:
        raise RuntimeError("the disk is full")

    effect, wake = Reading(behave=failing), Sleeper()
    ingests.upload()
    want(ingests, effect)
    runner = runner_of(ingests, effect, wake)
    with at_work(runner.run, wake=wake):
        poll(lambda: len(wake.sleeps) > 0)
    assert 0 < wake.sleeps[0] <= 2.0
    assert len(effect.performed) == 1
