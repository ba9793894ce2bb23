"""What an operator's hand makes of a saga: lines of the ingest, and what holds for all sagas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from commands.vault.ingest import GiveUpAnalysis, RejectAsset, RequestAnalysis, RequestProbe
from events.ids import CorrelationId
from events.vault.asset import AssetUploaded
from events.vault.ingest import IngestStepped
from processors.sagas.steps import Cause, SagaProgress, take
from sagas.errors import NotAbortable, NothingToRetry, NotSkippable, SagaEnded, UnknownSaga
from sagas.saga import (
    Ended,
    Happened,
    Saga,
    Step,
    Timer,
    TimerFired,
    never_ended_by_hand,
)
from sagas.vault.ingest import INGEST, Analysing, Probing
from schemas.examples import all_examples
from schemas.vault.examples import ASSET
from schemas.vault.examples import INGEST as SAGA_ID
from tests.specification import ABORTED, RETRIED, SKIPPED, happened, refused, saga, timer

CAUSE = Cause("operator", "retry", "opr_1", "wsp_1", CorrelationId.new(), None)
EVENTS = {event.type: event for event in all_examples()}
uploaded, verified, failed = (
    EVENTS[name] for name in ("asset.uploaded", "asset.verified", "analysis.attempt_failed")
)
given = saga(INGEST).given


# --- the ingest's lines -------------------------------------------------------------------------


def test_a_retried_probe_is_asked_for_and_no_attempt_is_used_up():
    given(uploaded).when(RETRIED).then_is(Probing(ASSET)).then_sends(
        RequestProbe(asset_id=ASSET)
    ).then_waits("probe")


def test_a_retried_pause_is_over():
    verdict = given(uploaded, verified, failed).when(RETRIED).then_waits("analysis")
    assert verdict.taken.state.attempt == 2
    assert [type(command) for command in verdict.taken.send] == [RequestAnalysis]


@pytest.mark.parametrize("past", [(uploaded, verified), (uploaded, verified, failed)])
def test_a_skipped_measurement_is_given_up_and_its_answer_waited_for(past: tuple[Any, ...]):
    verdict = given(*past).when(SKIPPED).then_waits("analysis")
    assert isinstance(verdict.taken.state, Analysing)
    assert [type(command) for command in verdict.taken.send] == [GiveUpAnalysis]


def test_a_measurement_that_nobody_began_cannot_be_given_up_yet():
    given(uploaded, verified, SKIPPED).when(refused(GiveUpAnalysis)).then_nothing()


def test_an_unread_file_cannot_be_done_without():
    given(uploaded).when(SKIPPED).then_nothing()


def test_every_state_that_waits_names_its_compensation():
    compensations = [
        (given(uploaded), RejectAsset),
        (given(uploaded, verified), GiveUpAnalysis),
        (given(uploaded, verified, failed), GiveUpAnalysis),
    ]
    for past, command in compensations:
        assert [type(undone) for undone in INGEST.undo(past.state) or ()] == [command]
    assert INGEST.undo(Ended("analysed")) == ()


# --- every saga ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asking:
    asset_id: str


def react(state: Any, input: Any) -> Step | None:
    """It asks once and waits; it has nothing to say to an operator."""
    match state, input:
        case None, Happened():
            ask = RequestProbe(asset_id=ASSET)
            return Step(
                Asking(ASSET), send=(ask,), wait=(Timer("answer", after=timedelta(seconds=5)),)
            )
        case Asking(), TimerFired("answer"):
            return Step(state)
        case _:
            return None


SIMPLE = Saga(
    "simple", 1, ("asset",), IngestStepped, {"Asking": Asking}, (AssetUploaded,), lambda _: SAGA_ID,
    react,
)  # fmt: skip


def progress_after(*inputs: Any, process: Saga = SIMPLE) -> SagaProgress:
    progress = SagaProgress()
    for number, input in enumerate(inputs):
        cause = Cause("test", "test", f"ref_{number}", "wsp_1", CorrelationId.new(), None)
        taken = take(process, SAGA_ID, progress, input, cause)
        if taken is not None:
            progress = taken[0]
    return progress


def test_a_retry_that_the_table_says_nothing_to_sends_the_last_step_again_with_new_ids():
    before = progress_after(happened(uploaded))
    taken = take(SIMPLE, SAGA_ID, before, RETRIED, CAUSE)
    assert taken is not None
    assert [(c.name, c.body) for c in taken[0].sent] == [(c.name, c.body) for c in before.sent]
    assert {c.command_id for c in taken[0].sent}.isdisjoint(c.command_id for c in before.sent)
    assert taken[0].timers == before.timers


def test_a_command_on_its_way_is_not_sent_beside_itself():
    before = progress_after(happened(uploaded))
    pending = tuple((c.name, c.body) for c in before.sent)
    taken = take(SIMPLE, SAGA_ID, before, RETRIED, CAUSE, pending)
    assert taken is not None
    assert taken[0].sent == ()


def test_the_same_input_sends_the_same_ids():
    before = progress_after(happened(uploaded))
    first, second = (take(SIMPLE, SAGA_ID, before, RETRIED, CAUSE) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first[0].sent == second[0].sent


def test_what_asked_for_nothing_cannot_ask_again():
    with pytest.raises(NothingToRetry):
        take(SIMPLE, SAGA_ID, progress_after(happened(uploaded), timer("answer")), RETRIED, CAUSE)


def test_a_skip_that_the_table_says_nothing_to_is_refused():
    with pytest.raises(NotSkippable):
        take(SIMPLE, SAGA_ID, progress_after(happened(uploaded)), SKIPPED, CAUSE)


def test_an_abort_ends_any_saga_and_leaves_no_timer():
    taken = take(SIMPLE, SAGA_ID, progress_after(happened(uploaded)), ABORTED, CAUSE)
    assert taken is not None
    assert (taken[0].state, taken[0].sent, taken[0].timers) == (Ended("aborted"), (), ())


def test_a_saga_that_must_come_to_its_own_end_is_not_aborted():
    steadfast = Saga(
        "steadfast", 1, ("asset",), IngestStepped, {"Asking": Asking}, (AssetUploaded,),
        lambda event: SAGA_ID, react, never_ended_by_hand,
    )  # fmt: skip
    with pytest.raises(NotAbortable):
        take(steadfast, SAGA_ID, progress_after(happened(uploaded)), ABORTED, CAUSE)


@pytest.mark.parametrize("input", [RETRIED, SKIPPED, ABORTED])
def test_nobody_moves_a_saga_that_has_ended_or_never_began(input: Any):
    with pytest.raises(SagaEnded):
        take(SIMPLE, SAGA_ID, SagaProgress(Ended("done"), 3), input, CAUSE)
    with pytest.raises(UnknownSaga):
        take(SIMPLE, SAGA_ID, SagaProgress(), input, CAUSE)
