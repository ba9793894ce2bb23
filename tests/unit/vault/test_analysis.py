"""Rules of one analysis."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.errors import NotFound
from aggregates.vault import analysis
from events.vault.analysis import (
    AnalysisAttemptFailed,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.vault.audio import Measurement
from schemas.examples import WORKSPACE
from schemas.vault.examples import ANALYSIS, ASSET, MEASUREMENT, PEAKS, REANALYSIS, SHA256
from tests.specification import given

OF_ANALYSIS: dict[str, Any] = {
    "analysis_id": ANALYSIS,
    "asset_id": ASSET,
    "workspace_id": WORKSPACE,
}
REQUEST: dict[str, Any] = {**OF_ANALYSIS, "sha256": SHA256}
COMPLETE: dict[str, Any] = {"analysis_id": ANALYSIS, "measurement": MEASUREMENT, "peaks": PEAKS}
WHY: dict[str, Any] = {"code": "timed-out", "reason": "It did not finish in time."}


def requested(attempt: int = 1) -> AnalysisRequested:
    return AnalysisRequested(**REQUEST, attempt=attempt)


def attempt_failed(attempt: int = 1) -> AnalysisAttemptFailed:
    return AnalysisAttemptFailed(**OF_ANALYSIS, **WHY, attempt=attempt)


completed = AnalysisCompleted(**OF_ANALYSIS, measurement=MEASUREMENT, peaks=PEAKS)
failed = AnalysisFailed(**OF_ANALYSIS, **WHY)


def test_the_first_request_is_attempt_1():
    given().when(analysis.request, **REQUEST).then(requested(1))


@pytest.mark.parametrize("past", [(requested(),), (requested(), completed)])
def test_a_pending_or_completed_measurement_is_not_asked_for_again(past: tuple[Any, ...]):
    given(*past).when(analysis.request, **REQUEST).then_nothing()


def test_after_a_failed_attempt_the_next_counts_on():
    given(requested(), attempt_failed()).when(analysis.request, **REQUEST).then(requested(2))


def test_an_analysis_that_was_given_up_may_be_asked_for_anew():
    given(requested(), attempt_failed(), failed).when(analysis.request, **REQUEST).then(
        requested(2)
    )


@pytest.mark.parametrize(
    "past", [(requested(),), (requested(), attempt_failed()), (requested(), failed)]
)
def test_a_measurement_counts_even_when_it_comes_late(past: tuple[Any, ...]):
    given(*past).when(analysis.complete, **COMPLETE).then(completed)


def test_the_first_measurement_counts():
    other = Measurement(**{**MEASUREMENT.model_dump(), "tempo_bpm": 62.0})
    given(requested(), completed).when(
        analysis.complete, **{**COMPLETE, "measurement": other}
    ).then_nothing()


def test_a_failed_attempt_says_which_one_and_why():
    given(requested()).when(analysis.fail_attempt, analysis_id=ANALYSIS, attempt=1, **WHY).then(
        attempt_failed(1)
    )


@pytest.mark.parametrize(
    "past",
    [
        (requested(1), attempt_failed(1)),
        (requested(1), attempt_failed(1), requested(2)),
        (requested(1), completed),
        (requested(1), failed),
    ],
)
def test_an_answer_for_an_attempt_that_is_over_changes_nothing(past: tuple[Any, ...]):
    given(*past).when(analysis.fail_attempt, analysis_id=ANALYSIS, attempt=1, **WHY).then_nothing()


@pytest.mark.parametrize("past", [(requested(),), (requested(), attempt_failed())])
def test_giving_up_says_why(past: tuple[Any, ...]):
    given(*past).when(analysis.give_up, analysis_id=ANALYSIS, **WHY).then(failed)


@pytest.mark.parametrize("past", [(requested(), completed), (requested(), failed)])
def test_what_is_over_is_not_given_up(past: tuple[Any, ...]):
    given(*past).when(analysis.give_up, analysis_id=ANALYSIS, **WHY).then_nothing()


def test_an_analysis_nobody_asked_for_has_no_outcome():
    given().when(analysis.complete, **COMPLETE).then_refused(NotFound)
    given().when(analysis.give_up, analysis_id=ANALYSIS, **WHY).then_refused(NotFound)
    given().when(analysis.fail_attempt, analysis_id=ANALYSIS, attempt=1, **WHY).then_refused(
        NotFound
    )


def later(event: Any, **changes: Any) -> Any:
    return event.model_copy(update={"run": 2, **changes})


@pytest.mark.parametrize("past", [(requested(), completed), (requested(), failed)])
def test_what_is_over_is_measured_anew_as_the_next_run(past: tuple[Any, ...]):
    given(*past).when(analysis.request_again, **REQUEST).then(later(requested(2)))


@pytest.mark.parametrize("past", [(requested(),), (requested(), attempt_failed())])
def test_a_run_under_way_is_not_doubled(past: tuple[Any, ...]):
    given(*past).when(analysis.request_again, **REQUEST).then_nothing()


def test_measuring_anew_what_nobody_measured_yet_is_its_first_run():
    given().when(analysis.request_again, **REQUEST).then(requested(1))


def test_a_retry_belongs_to_the_run_and_the_reanalysis_of_its_first_attempt():
    second = later(requested(2), reanalysis_id=REANALYSIS)
    given(requested(), completed, second, later(attempt_failed(2))).when(
        analysis.request, **REQUEST
    ).then(later(requested(3), reanalysis_id=REANALYSIS))


def test_a_late_answer_of_an_older_run_changes_nothing():
    past = given(requested(), attempt_failed(), failed, later(requested(2)))
    past.when(analysis.complete, **COMPLETE, run=1).then_nothing()
    past.when(analysis.fail_attempt, analysis_id=ANALYSIS, attempt=1, **WHY).then_nothing()
    past.when(analysis.give_up, analysis_id=ANALYSIS, run=1, **WHY).then_nothing()


def test_the_answer_of_the_newest_run_names_it_and_its_report():
    report = PEAKS.model_copy(update={"media_type": "application/json"})
    given(requested(), completed, later(requested(2), reanalysis_id=REANALYSIS)).when(
        analysis.complete, **COMPLETE, run=2, report=report
    ).then(later(completed, report=report, reanalysis_id=REANALYSIS))


def test_a_recording_counts_once_in_its_reanalysis():
    """Given up and then measured after all: it was counted when it was given up."""
    second = later(requested(2), reanalysis_id=REANALYSIS)
    given(requested(), completed, second).when(analysis.give_up, analysis_id=ANALYSIS, **WHY).then(
        later(failed, reanalysis_id=REANALYSIS)
    )
    given(requested(), completed, second, later(failed, reanalysis_id=REANALYSIS)).when(
        analysis.complete, **COMPLETE, run=2
    ).then(later(completed))
