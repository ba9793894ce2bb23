"""One handler per ingest command: transport above, rules below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aggregates.vault import analysis, asset
from commands.command import Command
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

Handler = Callable[[Unit, Any], None]


def request_probe(unit: Unit, command: RequestProbe) -> None:
    unit.change(asset, command.asset_id, asset.request_probe)


def verify_asset(unit: Unit, command: VerifyAsset) -> None:
    unit.change(
        asset,
        command.asset_id,
        asset.verify,
        tags=command.tags,
        audio=command.audio,
        cover=command.cover,
        playable=command.playable,
        rendition=command.rendition,
        pictures=command.pictures,
        cover_note=command.cover_note,
    )


def reject_asset(unit: Unit, command: RejectAsset) -> None:
    unit.change(asset, command.asset_id, asset.reject, code=command.code, reason=command.reason)


def request_analysis(unit: Unit, command: RequestAnalysis) -> None:
    recording, _ = unit.load(asset, command.asset_id, fresh=True)
    analysis_id = AnalysisId.beside(command.asset_id)
    unit.change(
        analysis,
        analysis_id,
        analysis.request,
        asset_id=command.asset_id,
        workspace_id=command.workspace_id,
        sha256=command.sha256,
        deleted=recording is None or recording.state == "deleted",
    )


def complete_analysis(unit: Unit, command: CompleteAnalysis) -> None:
    unit.change(
        analysis,
        command.analysis_id,
        analysis.complete,
        measurement=command.measurement,
        peaks=command.peaks,
        run=command.run,
        report=command.report,
    )


def fail_analysis_attempt(unit: Unit, command: FailAnalysisAttempt) -> None:
    unit.change(
        analysis,
        command.analysis_id,
        analysis.fail_attempt,
        attempt=command.attempt,
        code=command.code,
        reason=command.reason,
    )


def give_up_analysis(unit: Unit, command: GiveUpAnalysis) -> None:
    unit.change(
        analysis,
        command.analysis_id,
        analysis.give_up,
        run=command.run,
        code=command.code,
        reason=command.reason,
    )


HANDLERS: dict[str, tuple[type[Command], Handler]] = {
    model.stored_name: (model, handler)
    for model, handler in (
        (RequestProbe, request_probe),
        (VerifyAsset, verify_asset),
        (RejectAsset, reject_asset),
        (RequestAnalysis, request_analysis),
        (CompleteAnalysis, complete_analysis),
        (FailAnalysisAttempt, fail_analysis_attempt),
        (GiveUpAnalysis, give_up_analysis),
    )
}
