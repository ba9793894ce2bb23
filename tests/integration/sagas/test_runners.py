"""A few runners perform all effects: none holds the others up, each keeps to its cap."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from events.envelope import Recorded
from processors import wake as waking
from processors.effects.caps import Caps
from processors.effects.runner import EffectRunner
from processors.wake import Wake
from runtime.areas import HANDLERS
from runtime.parts import RUNNERS
from tests.integration.sagas.ingests import Ingests, all_at_once, poll
from tests.integration.sagas.test_effects import Reading, want, work_left
from tests.integration.sagas.test_waking import NEVER_S, Sleeper, at_work


@dataclass
class Looking(Reading):
    """Looks and says nothing: it has no outcome."""

    def perform(self, event: Recorded) -> None:
        self.performed.append(event.event_id)
        self.behave(event)


class Door:
    """Closed, it keeps those who come; it knows how many stand there at most."""

    def __init__(self) -> None:
        self._opened, self._lock = threading.Event(), threading.Lock()
        self.waiting = self.most = 0

    def __call__(self, event: Recorded) -> None:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self._opened.wait(30)
        with self._lock:
            self.waiting -= 1

    def open(self) -> None:
        self._opened.set()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.open()


@pytest.fixture(autouse=True)
def looks_by_itself_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "LOOK_S", NEVER_S)


def crew(ingests: Ingests, *effects: Reading, due: Wake | None = None) -> list[EffectRunner]:
    """The runners of one process."""
    caps = Caps(effects, RUNNERS)
    arguments = (ingests.commands, HANDLERS, ingests.pool, due or Wake())
    return [EffectRunner(caps, *arguments) for _ in range(RUNNERS)]


@contextmanager
def performing(ingests: Ingests, *effects: Reading, door: Door) -> Iterator[Sleeper]:
    due = Sleeper()
    runners = crew(ingests, *effects, due=due)
    with at_work(*(runner.run for runner in runners), wake=due):
        try:
            yield due
        finally:
            door.open()


def test_effects_of_a_server_that_hangs_keep_no_other_effect_waiting(ingests: Ingests, door: Door):
    code = Looking(door, name="code", cap=2, server="mail")
    news = Looking(door, name="news", cap=2, server="mail")
    probe, erase = Looking(name="probe"), Looking(name="erase")
    for _ in range(5):
        ingests.upload()
    want(ingests, code, news, probe, erase)
    with performing(ingests, code, news, probe, erase, door=door):
        poll(lambda: len(probe.performed) == len(erase.performed) == 5)
        assert door.waiting == 2, "the mails still hang"
        door.open()
        poll(lambda: work_left(ingests) == 0)
    assert sorted(code.performed) == sorted(news.performed) == sorted(probe.performed)


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_an_effect_keeps_to_its_cap_and_uses_it(ingests: Ingests, door: Door, cap: int):
    effect, other = Looking(door, cap=cap), Looking(name="other")
    for _ in range(8):
        ingests.upload()
    want(ingests, effect)
    with performing(ingests, effect, other, door=door) as due:
        poll(lambda: door.waiting == cap and len(due.sleeps) == RUNNERS - cap)
        door.open()
        poll(lambda: work_left(ingests) == 0)
    assert door.most == cap
    assert len(effect.performed) == len(set(effect.performed)) == 8


def test_one_work_does_not_wait_for_the_backlog_of_another_effect(ingests: Ingests, door: Door):
    busy, seldom = Looking(door, name="busy", cap=RUNNERS - 1), Looking(name="seldom")
    for _ in range(3 * RUNNERS):
        ingests.upload()
    want(ingests, busy, seldom)
    newest = "(SELECT max(position) FROM effects)"
    ingests.do(f"DELETE FROM effects WHERE effect = 'seldom' AND position < {newest}")
    with performing(ingests, busy, seldom, door=door):
        poll(lambda: len(seldom.performed) == 1)
        assert door.waiting > 0
        assert len(busy.performed) < RUNNERS


def test_a_work_that_ends_is_followed_by_the_next_though_nobody_is_told(
    ingests: Ingests, door: Door
):
    """All runners but one sleep, because nothing is due that they may do."""
    effect, other = Looking(door), Looking(name="other")
    for _ in range(4):
        ingests.upload()
    want(ingests, effect)
    with performing(ingests, effect, other, door=door) as due:
        poll(lambda: door.waiting == 1 and len(due.sleeps) == RUNNERS - 1)
        door.open()
        poll(lambda: work_left(ingests) == 0)
        assert due.sets == 0


def test_work_of_an_effect_that_nobody_here_knows_is_left_alone(ingests: Ingests, door: Door):
    known, unknown = Looking(name="known"), Looking(name="of a newer program")
    ingests.upload()
    want(ingests, known, unknown)
    ingests.do("UPDATE effects SET due_at = '-infinity', rank = -9 WHERE effect <> 'known'")
    with performing(ingests, known, Looking(name="other"), door=door) as due:
        poll(lambda: len(known.performed) == 1 and len(due.sleeps) >= RUNNERS)
    assert ingests.rows("SELECT effect, leases, failures, error FROM effects") == [
        ("of a newer program", 0, 0, None)
    ]
    assert set(due.sleeps) == {NEVER_S}, "nobody looks for it again and again"


def test_the_lowest_rank_goes_first_and_then_what_is_due_longest_whatever_the_effect(
    ingests: Ingests,
):
    done: list[str] = []
    effects = [
        Looking(lambda _, name=name: done.append(name), name=name) for name in ("a", "b", "c", "d")
    ]
    ingests.upload()
    want(ingests, *effects)
    for name, rank, ago_s in (("a", 1, 90), ("b", 0, 30), ("c", 0, 60), ("d", 0, -60)):
        ingests.do(
            "UPDATE effects SET rank = %s, due_at = due_at - make_interval(secs => %s)"
            " WHERE effect = %s",
            *(rank, ago_s, name),
        )
    runner, *_ = crew(ingests, *effects)
    while runner.work_one():
        pass
    assert done == ["c", "b", "a"], "and d is not due yet"


def test_many_processes_perform_the_work_of_many_effects_once(ingests: Ingests):
    effects = [Looking(name=name, cap=2) for name in ("a", "b", "c")]
    for _ in range(8):
        ingests.upload()
    want(ingests, *effects)

    def work_all() -> None:
        runner, *_ = crew(ingests, *effects)
        while work_left(ingests):
            runner.work_one()

    all_at_once(work_all)
    for effect in effects:
        assert len(effect.performed) == len(set(effect.performed)) == 8


def test_sixty_effects_ask_the_database_no_more_often_than_two(
    ingests: Ingests, monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    ask: Callable[..., Any] = ingests.pool.connection

    def counted(*arguments: Any, **named: Any) -> Any:
        asked[-1] += 1
        return ask(*arguments, **named)

    monkeypatch.setattr(ingests.pool, "connection", counted)
    for how_many in (2, 60):
        asked.append(0)
        due = Sleeper()
        runners = crew(ingests, *(Looking(name=f"{n}") for n in range(how_many)), due=due)
        with at_work(*(runner.run for runner in runners), wake=due):
            poll(lambda due=due: len(due.sleeps) == RUNNERS)
    assert asked == [2 * RUNNERS] * 2, "a look for work, and one for when the next is due"
