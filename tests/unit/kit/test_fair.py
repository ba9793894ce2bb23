"""Turns at costly work: nobody starves, no slot is lost, and waiting costs no thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kit.fair import Busy, FairQueue, Line, Ticket, TooManyAtOnce
from schemas.errors import NoCultureError

PATIENCE_S = 10.0
SUBJECTS = ("ada", "bob", "eve", "joe")
subjects = st.sampled_from(SUBJECTS)


class Lines(RuleBasedStateMachine):
    """Any order of asking, finishing and giving up, against what a line promises."""

    @initialize(slots=st.integers(1, 3), each=st.integers(1, 3), waiting_each=st.integers(0, 4))
    def open(self, slots: int, each: int, waiting_each: int) -> None:
        self.slots, self.each, self.waiting_each = slots, min(each, slots), waiting_each
        self.line = Line(slots, self.each, waiting_each, subjects=3)
        self.tickets: list[Ticket] = []
        # For each waiting ticket: how many turns of others it may still see before its own.
        self.patience: dict[Ticket, int] = {}

    def of(self, subject: str, granted: bool) -> list[Ticket]:
        return [t for t in self.tickets if t.subject == subject and t.granted is granted]

    @rule(subject=subjects)
    def ask(self, subject: str) -> None:
        waits = self.of(subject, granted=False)
        try:
            ticket = self.line.ask(subject)
        except TooManyAtOnce:
            assert len(waits) >= self.waiting_each
            return
        except Busy:
            assert not waits
            assert len({t.subject for t in self.tickets if not t.granted}) == 3
            return
        self.tickets.append(ticket)
        if not ticket.granted and not waits:
            others = {t.subject for t in self.tickets if not t.granted} - {subject}
            self.patience[ticket] = len(others)

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.tickets))
        self.tickets.remove(ticket)
        self.patience.pop(ticket, None)
        served = self.line.leave(ticket)
        assert self.line.leave(ticket) == [], "a ticket leaves once"
        for called in served:
            assert called in self.tickets
            self.patience.pop(called, None)
            for waiting in self.patience:
                # Whoever has all turns that it may have waits for itself alone.
                if len(self.of(waiting.subject, granted=True)) < self.each:
                    self.patience[waiting] -= 1

    @invariant()
    def nobody_starves(self) -> None:
        assert all(left >= 0 for left in self.patience.values())

    @invariant()
    def no_slot_is_lost_or_made_up(self) -> None:
        working = [t for t in self.tickets if t.granted]
        assert self.line.working == len(working) <= self.slots
        assert self.line.waiting == len(self.tickets) - len(working)
        for subject in SUBJECTS:
            assert len(self.of(subject, granted=True)) <= self.each
            could = len(self.of(subject, granted=True)) < self.each and len(working) < self.slots
            assert not (could and self.of(subject, granted=False)), "a free slot, and one waits"


Lines.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestLines = Lines.TestCase


def test_one_who_waits_alone_is_served_before_a_crowds_second() -> None:
    line = Line(slots=2, each=2, waiting_each=50, subjects=500)
    crowd = [line.ask("crowd") for _ in range(24)]
    alone = line.ask("alone")
    first = line.leave(crowd[0])
    assert [ticket.subject for ticket in first] == ["crowd"]
    assert line.leave(crowd[1]) == [alone]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for _ in iter(condition, True):
            await asyncio.sleep(0)


@given(gone=st.sets(st.integers(0, 5)), late=st.booleans())
@settings(max_examples=60, deadline=None)
def test_one_who_goes_away_leaves_no_trace(gone: set[int], late: bool) -> None:
    async def run() -> None:
        queue = FairQueue(1)
        held = await queue.enter("first")
        tasks = [asyncio.create_task(queue.enter(f"s{n % 3}")) for n in range(6)]
        await eventually(lambda: queue.line.waiting == 6)
        if late:
            # The turn is given at the very moment in which its waiter is cancelled.
            held.end()
        for number in gone:
            tasks[number].cancel()
        if not late:
            held.end()
        served = 0
        left = set(tasks)
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled():
                    assert queue.line.working == 1
                    served += 1
                    task.result().end()
        assert served >= 6 - len(gone)
        assert (queue.line.working, queue.line.waiting) == (0, 0)

    asyncio.run(run())


def test_who_waits_too_long_is_told_and_forgotten() -> None:
    async def run() -> None:
        queue = FairQueue(1, patience_s=0.01)
        held = await queue.enter("first")
        with pytest.raises(Busy):
            await queue.enter("second")
        assert queue.line.waiting == 0
        held.end()
        (await queue.enter("third")).end()

    asyncio.run(run())


def test_a_queues_own_words_are_used_when_it_is_busy() -> None:
    class Full(NoCultureError):
        status, code = 503, "full"

    queue = FairQueue(1, subjects=0, busy=lambda: Full("Come back later"))
    with queue.here("first"), pytest.raises(Full), queue.here("second"):
        pass


def test_work_that_fails_or_is_no_longer_waited_for_gives_its_slot_back() -> None:
    began, release = threading.Event(), threading.Event()

    def fails() -> None:
        raise ValueError("unlucky")

    def slow() -> None:
        began.set()
        assert release.wait(PATIENCE_S)

    async def run() -> None:
        queue = FairQueue(1)
        with pytest.raises(ValueError, match="unlucky"):
            await queue.run("ada", fails)
        task = asyncio.create_task(queue.run("ada", slow))
        await asyncio.to_thread(began.wait, PATIENCE_S)
        task.cancel()
        await asyncio.sleep(0)
        # The thread still works, so its slot is not another's yet.
        assert queue.line.working == 1
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert queue.line.working == 0

    asyncio.run(run())


def test_threads_and_event_loops_wait_in_one_line() -> None:
    queue, order = FairQueue(1), list[str]()

    def in_thread(subject: str) -> None:
        with queue.here(subject):
            order.append(subject)

    async def run() -> None:
        held = await queue.enter("first")
        with ThreadPoolExecutor(2) as threads:
            waiting = [threads.submit(in_thread, "crowd") for _ in range(2)]
            await eventually(lambda: queue.line.waiting == 2)
            task = asyncio.create_task(queue.enter("alone"))
            await eventually(lambda: queue.line.waiting == 3)
            held.end()
            turn = await task
            order.append("alone")
            turn.end()
            await asyncio.to_thread(lambda: [each.result(PATIENCE_S) for each in waiting])
        assert order == ["crowd", "alone", "crowd"]

    asyncio.run(run())


def test_a_request_that_has_its_turn_takes_no_second_one() -> None:
    async def run() -> None:
        queue = FairQueue(1, patience_s=0.01)
        with await queue.enter("ada"):
            # The handler's thread has a copy of the context.
            def handler() -> int:
                with queue.here("ada"):
                    return queue.line.working

            assert await asyncio.to_thread(handler) == 1
        assert queue.line.working == 0
        with queue.here("ada"):
            assert queue.line.working == 1

    asyncio.run(run())
