"""The handlers of reanalysis commands: transport above, rules below."""

from __future__ import annotations

from aggregates.errors import NotFound
from aggregates.vault import analysis, asset, reanalysis
from commands.command import Command
from commands.forwarding import Handler, forward
from commands.unit import Unit
from commands.vault.reanalysing import CancelReanalysis, CompleteReanalysis, StartReanalysisBatch
from events.ids import AnalysisId, AssetId, ReanalysisId


def start_batch(unit: Unit, command: StartReanalysisBatch) -> None:
    """One append for the whole batch: after a crash it was asked for, or it was not.

    Each recording at the version that was looked at: what moved meanwhile is looked at again.
    """
    run, version = unit.load(reanalysis, command.reanalysis_id, fresh=True)
    if run is None:
        raise NotFound("The run")
    wanted = run.state == "running" and command.number == run.started
    batch = run.listed[command.number] if wanted else ()
    asked = sum(_ask(unit, asset_id, run.workspace_id, command.reanalysis_id) for asset_id in batch)
    unit.change_at(
        version,
        reanalysis,
        command.reanalysis_id,
        reanalysis.start_batch,
        number=command.number,
        asked=asked,
        passed_over=len(batch) - asked,
    )


def _ask(unit: Unit, asset_id: AssetId, workspace_id: str, reanalysis_id: ReanalysisId) -> bool:
    """False for what is gone or in the trash, and for what is being measured anyway."""
    analysis_id = AnalysisId.beside(asset_id)
    recording, _ = unit.load(asset, asset_id, fresh=True)
    if recording is None or recording.state == "deleted" or recording.workspace_id != workspace_id:
        return False
    if recording.trash is not None:
        return False
    measured, version = unit.load(analysis, analysis_id, fresh=True)
    if measured is None or measured.under_way:
        return False
    unit.change_at(
        version,
        analysis,
        analysis_id,
        analysis.request_again,
        asset_id=asset_id,
        workspace_id=recording.workspace_id,
        sha256=recording.sha256,
        reanalysis_id=reanalysis_id,
    )
    return True


def cancel(unit: Unit, command: CancelReanalysis) -> None:
    unit.change(reanalysis, command.reanalysis_id, reanalysis.cancel, cancelled_by=None)


HANDLERS: dict[str, tuple[type[Command], Handler]] = {
    model.stored_name: (model, handler)
    for model, handler in (
        (StartReanalysisBatch, start_batch),
        forward(CompleteReanalysis, reanalysis, reanalysis.complete),
        (CancelReanalysis, cancel),
    )
}
