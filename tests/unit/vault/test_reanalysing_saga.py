"""Many recordings measured again: batch after batch, and never more than the queue can bear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from commands.vault.reanalysing import CancelReanalysis, CompleteReanalysis, StartReanalysisBatch
from events.vault.reanalysis import (
    BATCH,
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisRequested,
)
from sagas.vault.reanalysing import FEW, REANALYSING, Ended, Feeding
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from schemas.vault.examples import REANALYSIS
from tests.specification import happened, saga, timer

given = saga(REANALYSING).given
OF: dict[str, Any] = {"reanalysis_id": REANALYSIS, "workspace_id": WORKSPACE}
measured = example_of("analysis.completed", 1).model_copy(update={"reanalysis_id": REANALYSIS})
failed = example_of("analysis.failed", 1).model_copy(update={"reanalysis_id": REANALYSIS})


def requested(batches: int) -> ReanalysisRequested:
    return ReanalysisRequested(**OF, requested_by=ACCOUNT, total=batches * BATCH, batches=batches)


def started(number: int, asked: int = BATCH, passed_over: int = 0) -> ReanalysisBatchStarted:
    return ReanalysisBatchStarted(
        **OF,
        number=number,
        asked=asked,
        passed_over=passed_over,
        passed_over_so_far=passed_over,
    )


def start(number: int) -> StartReanalysisBatch:
    return StartReanalysisBatch(reanalysis_id=REANALYSIS, number=number)


def complete(**done: int) -> CompleteReanalysis:
    counts = {"measured": 0, "failed": 0, "passed_over": 0, **done}
    return CompleteReanalysis(reanalysis_id=REANALYSIS, **counts)


def test_the_first_batch_is_asked_for_at_once():
    given().when(requested(2)).then_is(Feeding(REANALYSIS, 2)).then_sends(start(0))


def test_of_nothing_there_is_nothing_to_feed():
    given().when(requested(0)).then_nothing()


def test_the_next_batch_waits_until_few_are_left():
    past = [requested(2), started(0), *[measured] * (BATCH - FEW)]
    given(*past).when(timer("look")).then_sends_nothing()
    given(*past).when(measured).then_sends(start(1))
    given(*past, measured).when(measured).then_sends_nothing()


def test_a_batch_of_which_nothing_is_measured_is_followed_at_once():
    given(requested(2)).when(started(0, 0, BATCH)).then_sends(start(1))


def test_when_nothing_is_left_it_is_over():
    given(requested(1), started(0, 2, 98), measured).when(failed).then_sends(
        complete(measured=1, failed=1, passed_over=98)
    )
    over = ReanalysisCompleted(**OF, measured=1, failed=1, passed_over=98)
    given(requested(1)).when(over).then_is(Ended("completed"))


def test_answers_may_overtake_the_batch_that_asked_for_them():
    given(requested(1), measured).when(started(0, 1, 0)).then_sends(complete(measured=1))


def test_a_batch_that_was_lost_is_asked_for_again():
    given(requested(1)).when(timer("look")).then_sends(start(0))


def test_a_cancelled_run_asks_for_nothing_any_more():
    cancelled = ReanalysisCancelled(**OF, cancelled_by=ACCOUNT)
    given(requested(2), started(0)).when(cancelled).then_is(Ended("cancelled"))
    given(requested(2), started(0), cancelled).when(measured).then_nothing()
    assert REANALYSING.undo(Feeding(REANALYSIS, 2)) == (CancelReanalysis(reanalysis_id=REANALYSIS),)


@settings(max_examples=100, deadline=None)
@examples(data=st.data(), batches=st.integers(1, 5))
def test_whatever_the_order_every_recording_is_measured_once_and_the_queue_stays_bounded(
    data: st.DataObject, batches: int
):
    """The world answers in any order; the saga's commands are done at least once."""
    step = REANALYSING.react(None, happened(requested(batches)))
    assert step is not None
    waiting: list[Any] = list(step.send)
    state, running, done = step.state, 0, 0
    while waiting or running:
        if waiting and (not running or data.draw(st.booleans())):
            command = waiting.pop(0)
            if isinstance(command, CompleteReanalysis):
                assert (command.measured, state.started) == (batches * BATCH, batches)
                return
            if command.number != state.started:
                continue
            running, event = running + BATCH, started(command.number)
        else:
            count = data.draw(st.integers(1, running))
            assert running < BATCH + FEW
            state = replace(state, measured=state.measured + count - 1)
            running, done, event = running - count, done + count, measured
        step = REANALYSING.react(state, happened(event))
        assert step is not None
        assert step.wait
        state = step.state
        waiting += step.send
    raise AssertionError("it never came to its end")
