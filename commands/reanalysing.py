"""What the reanalysing saga may ask. The handlers are beside."""

from __future__ import annotations

from commands.ingest import Command
from events.ids import ReanalysisId


class StartReanalysisBatch(Command):
    """Ask for every recording of the batch again; batches count from 0."""

    reanalysis_id: ReanalysisId
    number: int


class CompleteReanalysis(Command):
    """Nothing is left to be measured."""

    reanalysis_id: ReanalysisId
    measured: int
    failed: int
    passed_over: int


class CancelReanalysis(Command):
    """Begin no further batch."""

    reanalysis_id: ReanalysisId
