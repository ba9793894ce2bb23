"""Calls that mypy accepts and calls that it refuses: an ignore that is not needed is an error too.

Only read by mypy, in `test_typed_rules.py`.
"""

from __future__ import annotations

from aggregates.account import account
from aggregates.vault import analysis, asset
from commands.forwarding import forward
from commands.unit import Unit
from commands.vault.ingest import RejectAsset
from events.ids import AccountId, AnalysisId, AssetId, WorkspaceId


def right(unit: Unit, asset_id: AssetId, account_id: AccountId) -> None:
    unit.start(
        asset,
        asset_id,
        asset.upload,
        workspace_id=WorkspaceId.new(),
        uploaded_by=account_id,
        filename="a.wav",
        sha256="0" * 64,
        size_bytes=1,
    )
    unit.change(asset, asset_id, asset.request_probe)
    unit.change(asset, asset_id, asset.delete, deleted_by=account_id)
    unit.change_at(2, asset, asset_id, asset.delete, deleted_by=account_id)
    unit.change_at(None, asset, asset_id, asset.delete, deleted_by=account_id)
    forward(RejectAsset, asset, asset.reject)


def a_missing_argument(unit: Unit, asset_id: AssetId) -> None:
    unit.start(asset, asset_id, asset.upload)  # type: ignore[call-arg]
    unit.change(asset, asset_id, asset.delete)  # type: ignore[call-arg]
    unit.change_at(2, asset, asset_id, asset.delete)  # type: ignore[call-arg]


def an_argument_too_many(unit: Unit, asset_id: AssetId) -> None:
    unit.change(asset, asset_id, asset.request_probe, attempt=1)  # type: ignore[call-arg]
    unit.change_at(2, asset, asset_id, asset.request_probe, attempt=1)  # type: ignore[call-arg]


def an_argument_of_another_type(unit: Unit, asset_id: AssetId) -> None:
    unit.change(asset, asset_id, asset.delete, deleted_by=asset_id)  # type: ignore[arg-type]
    unit.change_at(2, asset, asset_id, asset.delete, deleted_by="x")  # type: ignore[arg-type]
    unit.change(asset, asset_id, asset.reject, code="x", reason=1)  # type: ignore[arg-type]


def an_argument_without_its_name(unit: Unit, asset_id: AssetId, by: AccountId) -> None:
    unit.change(asset, asset_id, asset.delete, by)  # type: ignore[call-arg]


def an_id_of_another_kind(unit: Unit, analysis_id: AnalysisId, by: AccountId) -> None:
    unit.start(account, analysis_id, account.grant_operator)  # type: ignore[misc]
    unit.change(asset, analysis_id, asset.delete, deleted_by=by)  # type: ignore[misc]
    unit.change_at(2, asset, "ast_1", asset.delete, deleted_by=by)  # type: ignore[misc]


def a_rule_of_another_aggregate(unit: Unit, asset_id: AssetId, by: AccountId) -> None:
    unit.start(analysis, asset_id, asset.request_probe)  # type: ignore[misc]
    unit.change(account, asset_id, asset.delete, deleted_by=by)  # type: ignore[misc]
    unit.change_at(2, analysis, asset_id, asset.delete, deleted_by=by)  # type: ignore[misc]
    forward(RejectAsset, analysis, asset.reject)  # type: ignore[arg-type]
