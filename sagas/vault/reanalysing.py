"""Many recordings measured again: a batch is asked for when the one before is nearly measured.

So 10,000 recordings are never in the queue at once, and no event ever names them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from commands.command import Command
from commands.vault.reanalysing import CancelReanalysis, CompleteReanalysis, StartReanalysisBatch
from events.ids import ReanalysingId, ReanalysisId
from events.model import Event
from events.vault.analysis import AnalysisCompleted, AnalysisFailed
from events.vault.reanalysing import ReanalysingStepped
from events.vault.reanalysis import (
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisRequested,
)
from sagas.saga import Ended, Happened, Input, Saga, Step, Timer, TimerFired

# So that no measuring process runs dry, the next batch is asked for when fewer are left.
FEW = 25
# Each recording's own saga brings it to an end; this timer only looks after lost work.
LOOK = Timer("look", after=timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Feeding:
    """`wanted` and `started` count batches, the others recordings."""

    reanalysis_id: str
    batches: int
    wanted: int = 1
    started: int = 0
    asked: int = 0
    passed_over: int = 0
    measured: int = 0
    failed: int = 0


# Outcomes: completed, cancelled, aborted.


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case None, Happened(ReanalysisRequested() as requested) if requested.batches:
            return _ask(Feeding(requested.reanalysis_id, requested.batches))
        case ((None | Ended()), _):
            return None

        case _, Happened(ReanalysisCompleted()):
            return Step(Ended("completed"))
        case _, Happened(ReanalysisCancelled()):
            return Step(Ended("cancelled"))
        case Feeding(), Happened(ReanalysisBatchStarted() as batch):
            return _go_on(
                replace(
                    state,
                    started=state.started + 1,
                    asked=state.asked + batch.asked,
                    passed_over=state.passed_over + batch.passed_over,
                )
            )
        # Results may arrive before their batch: they are in other streams and partitions.
        case Feeding(), Happened(AnalysisCompleted()):
            return _go_on(replace(state, measured=state.measured + 1))
        case Feeding(), Happened(AnalysisFailed()):
            return _go_on(replace(state, failed=state.failed + 1))
        case Feeding(), TimerFired("look"):
            return _ask(state) if state.started < state.wanted else _go_on(state)
        case _:
            return None


def _go_on(state: Feeding) -> Step:
    left = state.asked - state.measured - state.failed
    if state.started == state.batches and left <= 0:
        complete = CompleteReanalysis(
            reanalysis_id=ReanalysisId(state.reanalysis_id),
            measured=state.measured,
            failed=state.failed,
            passed_over=state.passed_over,
        )
        return Step(state, send=(complete,), wait=(LOOK,))
    if state.started == state.wanted < state.batches and left < FEW:
        return _ask(replace(state, wanted=state.wanted + 1))
    return Step(state, wait=(LOOK,))


def _ask(state: Feeding) -> Step:
    start = StartReanalysisBatch(
        reanalysis_id=ReanalysisId(state.reanalysis_id), number=state.wanted - 1
    )
    return Step(state, send=(start,), wait=(LOOK,))


def undo(state: Any) -> tuple[Command, ...]:
    """Begins no further batch; recordings already asked for are still measured."""
    if not isinstance(state, Feeding):
        return ()
    return (CancelReanalysis(reanalysis_id=ReanalysisId(state.reanalysis_id)),)


def stream_of(event: Event) -> str | None:
    reanalysis_id = getattr(event, "reanalysis_id", None)
    return ReanalysingId.beside(reanalysis_id) if reanalysis_id else None


REANALYSING = Saga(
    name="reanalysing",
    version=1,
    categories=("reanalysis", "analysis"),
    stepped=ReanalysingStepped,
    states={"Feeding": Feeding},
    watches=(
        *(ReanalysisRequested, ReanalysisBatchStarted, ReanalysisCompleted, ReanalysisCancelled),
        *(AnalysisCompleted, AnalysisFailed),
    ),
    stream_of=stream_of,
    react=react,
    undo=undo,
)
