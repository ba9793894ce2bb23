"""The long report of a track's newest analysis, as it was measured."""

from __future__ import annotations

from pydantic import ValidationError

from gateways.ports import ObjectStore
from kit.caller import Caller
from read_api.assets import AssetQueries
from schemas.report import Report


class ReportQueries:
    def __init__(self, assets: AssetQueries, store: ObjectStore) -> None:
        self._assets, self._store = assets, store

    def report(self, caller: Caller, asset_id: str) -> Report | None:
        """None for what was not measured, or before there were reports. Raises NotFound (404)."""
        sha256 = self._assets.row(caller, asset_id).get("report_sha256")
        if sha256 is None:
            return None
        try:
            return Report.model_validate_json(self._store.read(caller.workspace_id, sha256))
        except ValidationError:
            # Written by a later version: the summary is shown until this process is upgraded.
            return None
