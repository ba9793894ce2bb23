"""A run of an analysis after the first: measured, or given up after some attempts.

Whoever wants the run asks for it; this looks after it. The recording keeps what it has until then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from commands.command import Command
from commands.vault.ingest import GiveUpAnalysis
from events.ids import AnalysisId, RemeasuringId
from events.model import Event
from events.vault.analysis import (
    AnalysisAttemptFailed,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
)
from events.vault.remeasuring import RemeasuringStepped
from sagas.saga import (
    Ended,
    Happened,
    Input,
    Refused,
    Retried,
    Saga,
    Skipped,
    Step,
    TimerFired,
)
from sagas.vault import measuring


@dataclass(frozen=True, slots=True)
class Measuring:
    """Waiting for the measurements. `attempt` counts over all runs, `tries` in this one."""

    asset_id: str
    workspace_id: str
    sha256: str
    run: int
    attempt: int
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Resting:
    """An attempt failed; the next one comes after a while."""

    asset_id: str
    workspace_id: str
    sha256: str
    run: int
    attempt: int
    tries: int


# Outcomes: analysed, given_up, aborted.


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case None, Happened(AnalysisRequested() as asked):
            file = (asked.asset_id, asked.workspace_id, asked.sha256)
            return Step(Measuring(*file, asked.run, asked.attempt), wait=(measuring.LIMIT,))
        case ((None | Ended()), _):
            return None

        case _, Happened(AnalysisCompleted()):
            return Step(Ended("analysed"))
        case _, Happened(AnalysisFailed()):
            return Step(Ended("given_up"))
        case Measuring(attempt=attempt), Happened(AnalysisAttemptFailed() as failed) if (
            failed.attempt < attempt
        ):
            return None
        case Measuring(tries=tries), Happened(AnalysisAttemptFailed()) if (
            tries < measuring.ATTEMPTS
        ):
            resting = Resting(*_file(state), state.attempt, tries)
            return Step(resting, wait=(measuring.pause(tries),))
        case Measuring(), Happened(AnalysisAttemptFailed() as failed):
            return _give_up(state, failed.code, failed.reason)
        case Measuring(asset_id=asset_id, attempt=attempt), TimerFired("analysis"):
            timed_out = measuring.timed_out(asset_id, attempt)
            return Step(state, send=(timed_out,), wait=(measuring.LIMIT,))
        case Resting(), (TimerFired("retry") | Retried()):
            return _ask(Measuring(*_file(state), state.attempt + 1, state.tries + 1))
        case Measuring(), Retried():
            return _ask(state)
        case ((Measuring() | Resting()), Skipped()):
            return _give_up(state, "skipped", measuring.STOPPED)
        case Measuring(), Refused("RequestAnalysis", _, reason):
            return _give_up(state, "deleted", reason)
        case _:
            return None


def undo(state: Any) -> tuple[Command, ...]:
    """Gives the run up: the recording keeps what was measured before."""
    if not isinstance(state, Measuring | Resting):
        return ()
    return (_giving_up(state, "aborted", measuring.STOPPED),)


def _file(state: Measuring | Resting) -> tuple[str, str, str, int]:
    return state.asset_id, state.workspace_id, state.sha256, state.run


def _ask(state: Measuring) -> Step:
    request = measuring.request(state.asset_id, state.workspace_id, state.sha256)
    return Step(state, send=(request,), wait=(measuring.LIMIT,))


def _give_up(state: Measuring | Resting, code: str, reason: str) -> Step:
    waiting = Measuring(*_file(state), state.attempt, state.tries)
    return Step(waiting, send=(_giving_up(state, code, reason),), wait=(measuring.LIMIT,))


def _giving_up(state: Measuring | Resting, code: str, reason: str) -> GiveUpAnalysis:
    return GiveUpAnalysis(
        analysis_id=AnalysisId.beside(state.asset_id), run=state.run, code=code, reason=reason
    )


def stream_of(event: Event) -> str | None:
    """Answers None for the first run: the ingest looks after it."""
    run = getattr(event, "run", 1)
    return RemeasuringId.derived(getattr(event, "analysis_id", None), run) if run > 1 else None


REMEASURING = Saga(
    name="remeasuring",
    version=1,
    categories=("analysis",),
    stepped=RemeasuringStepped,
    states={"Measuring": Measuring, "Resting": Resting},
    watches=(AnalysisRequested, AnalysisCompleted, AnalysisAttemptFailed, AnalysisFailed),
    stream_of=stream_of,
    react=react,
    undo=undo,
)
