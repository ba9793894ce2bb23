"""A run after the first: every line of the saga's table, and what always holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from commands.vault.ingest import FailAnalysisAttempt, GiveUpAnalysis, RequestAnalysis
from events.vault.analysis import AnalysisAttemptFailed, AnalysisFailed, AnalysisRequested
from sagas.vault.measuring import ATTEMPTS, STOPPED
from sagas.vault.remeasuring import REMEASURING, Ended, Measuring, Resting, stream_of
from schemas.examples import WORKSPACE, example_of
from schemas.vault.examples import ANALYSIS, ASSET, SHA256
from tests.specification import RETRIED, SKIPPED, happened, refused, saga, timer

given = saga(REMEASURING).given
FILE: dict[str, Any] = {"asset_id": ASSET, "workspace_id": WORKSPACE, "sha256": SHA256}
OF: dict[str, Any] = {"analysis_id": ANALYSIS, "asset_id": ASSET, "workspace_id": WORKSPACE}
WHY = {"code": "crashed", "reason": "The reader stopped."}
asked = AnalysisRequested(**OF, sha256=SHA256, attempt=4, run=2)
completed = example_of("analysis.completed", 1).model_copy(update={"run": 2})
failed = AnalysisFailed(**OF, **WHY, run=2)
request = RequestAnalysis(**FILE)
measuring = Measuring(**FILE, run=2, attempt=4)


def attempt_failed(attempt: int) -> AnalysisAttemptFailed:
    return AnalysisAttemptFailed(**OF, **WHY, attempt=attempt, run=2)


def test_a_later_run_is_looked_after_whoever_asked_for_it():
    given().when(asked).then_is(measuring).then_sends_nothing().then_waits("analysis")


def test_the_first_run_is_the_ingests():
    assert stream_of(asked.model_copy(update={"run": 1})) is None
    assert stream_of(asked) != stream_of(asked.model_copy(update={"run": 3}))


def test_a_crash_costs_one_retry_after_a_pause():
    given(asked).when(attempt_failed(4)).then_is(
        Resting(**FILE, run=2, attempt=4, tries=1)
    ).then_waits_for(retry=5.0)
    given(asked, attempt_failed(4)).when(timer("retry")).then_is(
        Measuring(**FILE, run=2, attempt=5, tries=2)
    ).then_sends(request)


def test_the_saga_is_not_moved_by_its_own_request():
    given(asked, attempt_failed(4), timer("retry")).when(
        asked.model_copy(update={"attempt": 5})
    ).then_nothing()


def test_after_the_last_attempt_the_run_is_given_up():
    attempts = [(attempt_failed(4 + n), timer("retry")) for n in range(ATTEMPTS - 1)]
    past = [each for pair in attempts for each in pair]
    last = attempt_failed(4 + ATTEMPTS - 1)
    given(asked, *past).when(last).then_sends(GiveUpAnalysis(analysis_id=ANALYSIS, run=2, **WHY))
    given(asked, *past, last).when(failed).then_is(Ended("given_up"))


def test_a_measurement_ends_it_wherever_it_stands():
    given(asked).when(completed).then_is(Ended("analysed"))
    given(asked, attempt_failed(4)).when(completed).then_is(Ended("analysed"))


def test_no_answer_at_all_is_a_failed_attempt():
    given(asked).when(timer("analysis")).then_sends(
        FailAnalysisAttempt(
            analysis_id=ANALYSIS,
            attempt=4,
            code="timed-out",
            reason="The analysis did not finish in time.",
        )
    )


def test_a_recording_deleted_meanwhile_is_given_up_so_that_nobody_waits_for_it():
    verdict = refused(RequestAnalysis)
    given(asked, attempt_failed(4), timer("retry")).when(verdict).then_sends(
        GiveUpAnalysis(analysis_id=ANALYSIS, run=2, code="deleted", reason=verdict.reason)
    )


def test_an_operator_may_ask_again_or_do_without():
    stop = GiveUpAnalysis(analysis_id=ANALYSIS, run=2, code="skipped", reason=STOPPED)
    given(asked).when(RETRIED).then_sends(request)
    given(asked, attempt_failed(4)).when(SKIPPED).then_sends(stop)
    assert REMEASURING.undo(measuring) == (stop.model_copy(update={"code": "aborted"}),)


INPUTS = st.one_of(
    st.sampled_from([happened(asked), happened(completed), happened(failed), RETRIED, SKIPPED]),
    st.integers(1, 9).map(lambda attempt: happened(attempt_failed(attempt))),
    st.sampled_from([timer("retry"), timer("analysis"), refused(RequestAnalysis)]),
)


@settings(max_examples=200, deadline=None)
@examples(st.lists(INPUTS, max_size=12))
def test_it_always_waits_for_something_until_it_has_ended(inputs: list[Any]):
    state: Any = None
    for input in inputs:
        step = REMEASURING.react(state, input)
        if step is None:
            continue
        state = step.state
        assert isinstance(state, Ended) or step.wait
