"""Analyses run by run: their reports with what the musician says, and one beside another."""

from __future__ import annotations

from typing import Any

from psycopg_pool import ConnectionPool
from pydantic import ValidationError

from gateways.ports.objects import ObjectStore
from kit.caller import Caller
from read_api.errors import AnalysisGivenUp, NoReport, NothingToMeasure, NotVisible
from read_api.vault.assets import AssetQueries
from read_api.vault.overrides import with_overrides
from read_api.views import Row, Views
from schemas.audio.report import Report
from schemas.dto import Page
from schemas.vault.analyses import (
    AnalysisComparison,
    AnalysisRunDto,
    ComparedFigure,
    FiguresDto,
    Standing,
)
from schemas.vault.dto import Rejection

MAX_RUNS = 200


class AnalysisQueries:
    def __init__(self, pool: ConnectionPool, assets: AssetQueries, store: ObjectStore) -> None:
        self._views, self._assets, self._store = Views(pool), assets, store

    def report(self, caller: Caller, asset_id: str, run: int | None = None) -> Report | None:
        """Reads the report of this run, or the newest there is, with what the musician says.

        None for what was not measured, or before there were reports. Raises NotVisible (404), also
        for a run that there is not.
        """
        found = self.report_and_etag(caller, asset_id, run)
        return found and found[0]

    def report_and_etag(
        self, caller: Caller, asset_id: str, run: int | None = None
    ) -> tuple[Report, str] | None:
        """The same; it changes with what was measured and with what the musician says."""
        row = self._assets.row(caller, asset_id)
        if run is None:
            # The vault's word: whoever waited for the vault sees what it shows.
            sha256: str | None = row.get("report_sha256")
        else:
            sha256 = self._run(asset_id, run)["report_sha256"]
        report = self._read(row, sha256)
        if report is None or sha256 is None:
            return None
        return report, f'"r{sha256[:16]}-v{row["version"]}"'

    def runs(self, caller: Caller, asset_id: str) -> Page[AnalysisRunDto]:
        """Newest first, at most 200. Raises NotVisible (404)."""
        self._assets.row(caller, asset_id)
        return Page(data=[_run_of(row) for row in self._runs(asset_id)])

    def compare(
        self, caller: Caller, asset_id: str, old: int | None = None, new: int | None = None
    ) -> AnalysisComparison:
        """By default the two newest that were completed. Raises NotVisible (404)."""
        self._assets.row(caller, asset_id)
        completed = [row["run"] for row in self._runs(asset_id) if row["state"] == "completed"]
        if new is None:
            new = completed[0] if completed else 0
        if old is None:
            old = next((run for run in completed if run < new), 0)
        before, after = (_run_of(self._run(asset_id, run)) for run in (old, new))
        return AnalysisComparison(
            asset_id=asset_id, old=before, new=after, figures=_compared(before, after)
        )

    def standing(self, caller: Caller, asset_id: str, since_run: int = 0) -> Standing:
        """For whoever wants a report of `since_run` or a later one.

        Raises NotVisible (404), NothingToMeasure, AnalysisGivenUp, NoReport (409).
        """
        row = self._assets.row(caller, asset_id)
        if row["file_state"] == "uploaded":  # on its way: whoever asks waits for the probe too
            return Standing()
        if row["file_state"] != "verified":
            raise NothingToMeasure(row["file_state"])
        runs = [each for each in self._runs(asset_id) if each["run"] >= since_run]
        for each in runs:
            if each["report_sha256"] and (report := self._read(row, each["report_sha256"])):
                return Standing(report, run=each["run"])
        if not runs or runs[0]["state"] == "requested":
            return Standing(run=runs[0]["run"] if runs else None)
        if runs[0]["state"] == "failed":
            raise AnalysisGivenUp(runs[0]["code"], runs[0]["reason"])
        if since_run:
            raise NoReport(runs[0]["analyser"])
        return Standing(unreported=True)

    def _runs(self, asset_id: str) -> list[Row]:
        return self._views.rows(
            "SELECT * FROM views.analyses WHERE asset_id = %(id)s ORDER BY run DESC LIMIT %(most)s",
            {"id": asset_id, "most": MAX_RUNS},
        )

    def _run(self, asset_id: str, run: int) -> Row:
        row = self._views.row(
            "SELECT * FROM views.analyses WHERE asset_id = %(id)s AND run = %(run)s",
            {"id": asset_id, "run": run},
        )
        if row is None:
            raise NotVisible("This run of the analysis")
        return row

    def _read(self, row: Row, sha256: str | None) -> Report | None:
        if sha256 is None:
            return None
        try:
            report = Report.model_validate_json(self._store.read(row["workspace_id"], sha256))
        except ValidationError:
            # Written by a later version: the summary is shown until this process is upgraded.
            return None
        return with_overrides(report, row)


def _run_of(row: Row) -> AnalysisRunDto:
    error = None
    if row["code"] is not None:
        error = Rejection(code=row["code"], reason=row["reason"] or "")
    return AnalysisRunDto(
        **{name: row[name] for name in ("run", "state", "asked_at", "ended_at", "analyser")},
        analyser_version=row["analyser_version"],
        reanalysis_id=row["reanalysis_id"],
        has_report=row["report_sha256"] is not None,
        error=error,
        figures=_figures(row["measured"]),
    )


def _figures(measured: dict[str, Any] | None) -> FiguresDto | None:
    if measured is None:
        return None
    genres = measured.get("genres") or []
    return FiguresDto.model_validate(
        {
            **measured,
            "genre": genres[0]["name"] if genres else None,
            "instruments": [each["name"] for each in measured.get("instruments") or []],
            "defects": [each["code"] for each in measured.get("defects") or []],
        }
    )


def _compared(old: AnalysisRunDto, new: AnalysisRunDto) -> list[ComparedFigure]:
    figures = []
    for name in FiguresDto.model_fields:
        before, after = getattr(old.figures, name, None), getattr(new.figures, name, None)
        figures.append(ComparedFigure(name=name, old=before, new=after, changed=before != after))
    return figures
