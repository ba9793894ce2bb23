"""Analyses as JSON: reports, runs, and how far the measuring again of many is."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import header, problems
from kit.positions import Progress, ReadAt
from read_api.errors import NotVisible
from read_api.vault.analyses import AnalysisQueries
from read_api.vault.reanalyses import ReanalysisQueries
from schemas.audio.report import Report
from schemas.dto import Page
from schemas.text import Ref
from schemas.vault.analyses import AnalysisComparison, AnalysisRunDto, ReanalysisDto

RunNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


def router(
    authenticated: Authenticate,
    progress: Progress,
    analyses: AnalysisQueries,
    reanalyses: ReanalysisQueries,
) -> APIRouter:
    routes = APIRouter(tags=["analysis"], dependencies=[Depends(authenticated())])
    Reader = Annotated[Caller, Depends(authenticated("assets:read"))]
    in_views = [Depends(ReadAt("vault", progress)), Depends(ReadAt("analyses", progress))]

    @routes.get(
        "/api/assets/{asset_id}/analysis",
        operation_id="getAnalysis",
        summary="The whole report of a run, of the newest one by default",
        dependencies=in_views,
        response_model=Report,
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            200: {"headers": {"ETag": header("Of the report and of what the musician says")}},
            304: {"description": "Not Modified"},
        },
    )
    def get_analysis(
        asset_id: Ref, request: Request, caller: Reader, run: RunNumber = None
    ) -> Response:
        found = analyses.report_and_etag(caller, asset_id, run)
        if found is None:
            raise NotVisible("A report of this recording")
        report, etag = found
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        # Written once, not checked again: a report of an hour holds 10,000 beats.
        content = report.model_dump_json()
        return Response(content, media_type="application/json", headers=headers)

    @routes.get(
        "/api/assets/{asset_id}/analyses",
        operation_id="listAnalyses",
        summary="Its runs, newest first",
        dependencies=in_views,
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_analyses(asset_id: Ref, caller: Reader) -> Page[AnalysisRunDto]:
        return analyses.runs(caller, asset_id)

    @routes.get(
        "/api/assets/{asset_id}/analyses/compare",
        operation_id="compareAnalyses",
        summary="Two runs, figure by figure; the two newest by default",
        dependencies=in_views,
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def compare_analyses(
        asset_id: Ref, caller: Reader, old: RunNumber = None, new: RunNumber = None
    ) -> AnalysisComparison:
        return analyses.compare(caller, asset_id, old, new)

    @routes.get(
        "/api/analysis/runs/{reanalysis_id}",
        operation_id="getReanalysis",
        summary="How far the measuring again of many recordings is",
        dependencies=[
            Depends(ReadAt("reanalyses", progress)),
            Depends(ReadAt("analyses", progress)),
        ],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def get_reanalysis(reanalysis_id: Ref, caller: Reader) -> ReanalysisDto:
        return reanalyses.get(caller, reanalysis_id)

    return routes
