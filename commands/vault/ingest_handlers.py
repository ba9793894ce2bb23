"""The handlers of ingest commands: transport above, rules below."""

from __future__ import annotations

from aggregates.vault import analysis, asset
from commands.command import Command
from commands.forwarding import Handler, forward
from commands.unit import Unit
from commands.vault.ingest import (
    CompleteAnalysis,
    FailAnalysisAttempt,
    GiveUpAnalysis,
    RejectAsset,
    RequestAnalysis,
    RequestProbe,
    VerifyAsset,
)
from events.ids import AnalysisId


def request_analysis(unit: Unit, command: RequestAnalysis) -> None:
    recording, _ = unit.load(asset, command.asset_id, fresh=True)
    unit.change(
        analysis,
        AnalysisId.beside(command.asset_id),
        analysis.request,
        asset_id=command.asset_id,
        workspace_id=command.workspace_id,
        sha256=command.sha256,
        deleted=recording is None or recording.state == "deleted",
    )


HANDLERS: dict[str, tuple[type[Command], Handler]] = {
    model.stored_name: (model, handler)
    for model, handler in (
        forward(RequestProbe, asset, asset.request_probe),
        forward(VerifyAsset, asset, asset.verify),
        forward(RejectAsset, asset, asset.reject),
        (RequestAnalysis, request_analysis),
        forward(CompleteAnalysis, analysis, analysis.complete),
        forward(FailAnalysisAttempt, analysis, analysis.fail_attempt),
        forward(GiveUpAnalysis, analysis, analysis.give_up),
    )
}
