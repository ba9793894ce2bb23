"""Commands of the reanalysing saga, handled in `reanalysing_handlers.py`."""

from __future__ import annotations

from commands.command import Command
from events.ids import ReanalysisId


class StartReanalysisBatch(Command, name="StartReanalysisBatch"):
    """Ask for every recording of the batch again; batches count from 0."""

    reanalysis_id: ReanalysisId
    number: int


class CompleteReanalysis(Command, name="CompleteReanalysis"):
    """Nothing is left to be measured."""

    reanalysis_id: ReanalysisId
    measured: int
    failed: int
    passed_over: int


class CancelReanalysis(Command, name="CancelReanalysis"):
    """Begin no further batch."""

    reanalysis_id: ReanalysisId
