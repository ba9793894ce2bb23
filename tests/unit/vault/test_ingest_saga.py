"""uploaded → verified → analysed: every line of the saga's table, and what always holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from commands.vault.ingest import (
    FailAnalysisAttempt,
    GiveUpAnalysis,
    RejectAsset,
    RequestAnalysis,
    RequestProbe,
)
from events.vault.analysis import AnalysisAttemptFailed, AnalysisFailed
from events.vault.asset import AssetDeleted, AssetRejected, AssetUploaded, AssetVerified
from sagas.vault.ingest import (
    INGEST,
    PROBE_ATTEMPTS,
    Analysing,
    Ended,
    Pausing,
    Probing,
    stream_of,
)
from sagas.vault.measuring import ATTEMPTS
from schemas.examples import ACCOUNT, WORKSPACE, example_of
from schemas.vault import examples as example
from schemas.vault.examples import ANALYSIS, ASSET, FILENAME, SHA256
from tests.specification import SagaPast, happened, refused, saga, timer

given = saga(INGEST).given

FILE: dict[str, Any] = {
    "asset_id": ASSET,
    "workspace_id": WORKSPACE,
    "sha256": SHA256,
}
WHY: dict[str, Any] = {"code": "crashed", "reason": "The reader stopped."}
uploaded = AssetUploaded(**FILE, filename=FILENAME, uploaded_by=ACCOUNT, size_bytes=1)
verified = AssetVerified(
    **FILE, owner_id=ACCOUNT, tags=example.TAGS, audio=example.FACTS, cover=None
)
rejected = AssetRejected(asset_id=ASSET, workspace_id=WORKSPACE, **WHY)
deleted = AssetDeleted(asset_id=ASSET, workspace_id=WORKSPACE, deleted_by=ACCOUNT, sha256=SHA256)
completed = example_of("analysis.completed", 1)
given_up = AnalysisFailed(analysis_id=ANALYSIS, asset_id=ASSET, workspace_id=WORKSPACE, **WHY)
request = RequestAnalysis(**FILE)


def attempt_failed(attempt: int) -> AnalysisAttemptFailed:
    return AnalysisAttemptFailed(
        analysis_id=ANALYSIS, asset_id=ASSET, workspace_id=WORKSPACE, attempt=attempt, **WHY
    )


def failed_attempts(count: int) -> list[Any]:
    """What leads to the attempt after `count` failed ones."""
    pairs = [(attempt_failed(n), timer("retry")) for n in range(1, count + 1)]
    return [uploaded, verified, *(each for pair in pairs for each in pair)]


def test_an_upload_is_waited_for_to_be_read():
    given().when(uploaded).then_is(Probing(ASSET)).then_sends_nothing().then_waits("probe")


def test_nothing_but_an_upload_begins_an_ingest():
    for input in (verified, completed, deleted, timer("probe"), refused(RequestProbe)):
        given().when(input).then_nothing()


def test_a_verified_file_is_measured():
    given(uploaded).when(verified).then_is(Analysing(**FILE)).then_sends(request).then_waits(
        "analysis"
    )


def test_a_rejected_file_is_the_end():
    given(uploaded).when(rejected).then_is(Ended("rejected")).then_waits()


def test_a_reader_that_gives_no_answer_in_time_is_asked_again():
    given(uploaded).when(timer("probe")).then_is(Probing(ASSET, attempt=2)).then_sends(
        RequestProbe(asset_id=ASSET)
    ).then_waits("probe")


def test_a_file_that_gave_no_answer_three_times_is_rejected_with_what_to_do():
    verdict = given(uploaded, timer("probe"), timer("probe")).when(timer("probe"))
    (command,) = verdict.then_waits("probe").taken.send
    assert isinstance(command, RejectAsset)
    assert (command.asset_id, command.code) == (ASSET, "no-answer")
    assert "Upload it again" in command.reason


def test_a_late_answer_is_as_good_as_one_in_time():
    given(uploaded, timer("probe"), timer("probe"), timer("probe")).when(verified).then_sends(
        request
    )


def test_measurements_are_the_end():
    given(uploaded, verified).when(completed).then_is(Ended("analysed")).then_waits()


def test_a_failed_attempt_is_repeated_after_a_pause_that_grows():
    given(*failed_attempts(0)).when(attempt_failed(1)).then_is(
        Pausing(**FILE, attempt=1)
    ).then_sends_nothing().then_waits_for(retry=5.0)
    given(*failed_attempts(1)).when(attempt_failed(2)).then_waits_for(retry=20.0)


def test_after_the_pause_the_next_attempt_is_asked_for():
    given(uploaded, verified, attempt_failed(1)).when(timer("retry")).then_is(
        Analysing(**FILE, attempt=2)
    ).then_sends(request).then_waits("analysis")


def test_the_last_failed_attempt_is_given_up_with_its_reason():
    given(*failed_attempts(2)).when(attempt_failed(3)).then_sends(
        GiveUpAnalysis(analysis_id=ANALYSIS, **WHY)
    ).then_waits("analysis")


def test_an_analysis_that_was_given_up_is_the_end():
    given(*failed_attempts(2), attempt_failed(3)).when(given_up).then_is(Ended("analysis_failed"))


def test_an_analysis_that_gives_no_answer_in_time_is_a_failed_attempt():
    verdict = given(*failed_attempts(1)).when(timer("analysis"))
    (command,) = verdict.then_waits("analysis").taken.send
    assert isinstance(command, FailAnalysisAttempt)
    assert (command.analysis_id, command.attempt, command.code) == (ANALYSIS, 2, "timed-out")


def test_a_measurement_that_comes_during_the_pause_is_taken():
    given(uploaded, verified, attempt_failed(1)).when(completed).then_is(Ended("analysed"))


@pytest.mark.parametrize(
    "past", [[uploaded], [uploaded, verified], [uploaded, verified, attempt_failed(1)]]
)
def test_a_deleted_asset_ends_its_ingest_whatever_it_waits_for(past: list[Any]):
    given(*past).when(deleted).then_is(Ended("deleted")).then_sends_nothing().then_waits()


def test_a_command_that_is_refused_ends_the_ingest():
    given(uploaded, timer("probe")).when(refused(RequestProbe)).then_is(Ended("refused"))


def test_the_failure_of_an_earlier_attempt_is_not_counted_against_this_one():
    given(*failed_attempts(1)).when(attempt_failed(1)).then_nothing()


def test_a_time_out_of_an_analysis_that_nobody_began_keeps_waiting_for_it():
    """Its request is still on its way: two dispatchers may send the two commands out of order."""
    given(uploaded, verified, timer("analysis")).when(refused(FailAnalysisAttempt)).then_nothing()


def test_every_asset_has_one_ingest_beside_it():
    assert stream_of(uploaded) == stream_of(completed) == example.INGEST
    assert stream_of(example_of("account.password_changed", 1)) is None


# --- what holds whatever happens ----------------------------------------------------------------

FIRED = ("probe", "analysis", "retry")
INPUTS = st.one_of(
    st.sampled_from([uploaded, verified, rejected, deleted, completed, given_up]).map(happened),
    st.integers(1, 4).map(attempt_failed).map(happened),
    st.sampled_from(FIRED).map(timer),
    st.sampled_from([RequestProbe, RequestAnalysis, FailAnalysisAttempt]).map(refused),
)


@settings(max_examples=400, deadline=None)
@examples(st.lists(INPUTS, max_size=40))
def test_whatever_happens_it_ends_once_never_hangs_and_tries_no_more_than_three_times(
    inputs: list[Any],
):
    past: SagaPast = given(uploaded)
    sent: list[str] = []
    for input in inputs:
        if getattr(input, "token", None) in FIRED and input.token not in past.timers:
            continue  # Only a timer that is set fires.
        step = past.when(input).step
        if isinstance(past.state, Ended):
            assert step is None, "an end is an end"
        if step is None:
            assert not hasattr(input, "token"), "a timer that fires unheard leaves nobody waiting"
            continue
        past = past.given(input)
        sent += [type(command).__name__ for command in step.send]
        assert bool(past.timers) is not isinstance(past.state, Ended)
    assert sent.count("RequestProbe") <= PROBE_ATTEMPTS - 1
    assert sent.count("RequestAnalysis") <= ATTEMPTS
