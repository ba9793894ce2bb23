"""Measuring again of many recordings: which ones there are, and how far it is."""

from __future__ import annotations

import re

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from read_api.errors import NotVisible
from read_api.views import Row, Views
from schemas.vault.analyses import ReanalysisDto, ReanalysisFilter

_ID = re.compile(r"rea_[0-9a-f]{32}")
_CHOICE = """
    SELECT asset_id FROM views.vault
     WHERE workspace_id = %(workspace)s AND state IN ('analysed', 'analysis_failed')
       AND (%(below)s::integer IS NULL OR coalesce(analyser_version, 0) < %(below)s)
       AND (%(chosen)s::text[] IS NULL OR asset_id = ANY(%(chosen)s))
     ORDER BY asset_id"""
_NEWEST = """
    SELECT reanalysis_id FROM views.reanalyses WHERE workspace_id = %(workspace)s
     ORDER BY reanalysis_id DESC LIMIT 1"""
_PROGRESS = """
    SELECT r.*, count(a.*) FILTER (WHERE a.state = 'completed')::integer AS measured,
           count(a.*) FILTER (WHERE a.state = 'failed')::integer AS failed
      FROM views.reanalyses r LEFT JOIN views.analyses a USING (reanalysis_id)
     WHERE r.reanalysis_id = %(id)s AND r.workspace_id = %(workspace)s
     GROUP BY r.reanalysis_id, r.workspace_id, r.state, r.total, r.passed_over,
              r.analyser_version_below, r.started_at, r.finished_at"""


class ReanalysisQueries:
    def __init__(self, pool: ConnectionPool) -> None:
        self._views = Views(pool)

    def choose(self, workspace_id: str, chosen: ReanalysisFilter) -> list[str]:
        """The recordings that were measured, or given up, and that the filter lets through."""
        rows = self._views.rows(
            _CHOICE,
            {
                "workspace": workspace_id,
                "below": chosen.analyser_version_below,
                "chosen": chosen.asset_ids,
            },
        )
        return [row["asset_id"] for row in rows]

    def newest(self, caller: Caller) -> ReanalysisDto | None:
        """The one that was begun last, if there ever was one: ids are in order of time."""
        row = self._views.row(_NEWEST, {"workspace": caller.workspace_id})
        return self.get(caller, row["reanalysis_id"]) if row else None

    def get(self, caller: Caller, reanalysis_id: str) -> ReanalysisDto:
        """Raises NotVisible (404)."""
        row: Row | None = None
        if _ID.fullmatch(reanalysis_id):
            row = self._views.row(
                _PROGRESS, {"id": reanalysis_id, "workspace": caller.workspace_id}
            )
        if row is None:
            raise NotVisible("This run")
        done = row["measured"] + row["failed"] + row["passed_over"]
        known = {name: row[name] for name in ReanalysisDto.model_fields if name in row}
        return ReanalysisDto(id=reanalysis_id, done=done, **known)
