"""Analyses as JSON: the enhanced answer, reports, runs, and the measuring again of many."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import header, problems
from kit.positions import Progress, ReadAt, wait_s
from read_api.analyses import AnalysisQueries
from read_api.enhanced import EnhancedAnalyses
from read_api.errors import NotFound
from read_api.reanalyses import ReanalysisQueries
from schemas.analyses import AnalysisComparison, AnalysisRunDto, PendingAnalysis, ReanalysisDto
from schemas.dto import Page
from schemas.report import EnhancedAnalysis, Report
from schemas.text import HeaderText, Ref

# Twice as long as a three-minute track takes on one core.
WAIT_S = 30.0
RETRY_AFTER_S = 5
RunNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class AskForAnalysis(BaseModel):
    """`refresh` measures anew before it answers; that needs the scope assets:write."""

    model_config = ConfigDict(extra="forbid")

    assetId: Ref  # as the roadmap names it
    refresh: bool = False


def router(
    authenticated: Authenticate,
    progress: Progress,
    analyses: AnalysisQueries,
    enhanced: EnhancedAnalyses,
    reanalyses: ReanalysisQueries,
) -> APIRouter:
    routes = APIRouter(tags=["analysis"])
    Reader = Annotated[Caller, Depends(authenticated("assets:read"))]
    in_views = [Depends(ReadAt("vault", progress)), Depends(ReadAt("analyses", progress))]

    @routes.post(
        "/api/analysis/enhanced",
        operation_id="analyseEnhanced",
        summary="What a recording is like: measured, or as the musician says",
        dependencies=in_views,
        response_model=EnhancedAnalysis,
        responses={
            **problems(401, 403, 404, 409, 422, 429, 503),
            202: {
                "model": PendingAnalysis,
                "headers": {"Retry-After": header("Seconds", "integer")},
            },
        },
    )
    async def analyse_enhanced(
        asked: AskForAnalysis,
        caller: Reader,
        prefer: Annotated[
            HeaderText | None,
            Header(description="`wait=N`: at most N seconds, 30 by default and at most"),
        ] = None,
    ) -> Any:
        """Waits while the recording is being measured; 202 when that takes longer."""
        standing = await enhanced.standing(
            caller, asked.assetId, refresh=asked.refresh, timeout_s=wait_s(prefer, WAIT_S)
        )
        if standing.report is None:
            pending = PendingAnalysis(run=standing.run).model_dump()
            return JSONResponse(pending, 202, {"Retry-After": str(RETRY_AFTER_S)})
        return _body(EnhancedAnalysis, standing.report)

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
            raise NotFound("A report of this recording")
        report, etag = found
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return _body(Report, report, headers)

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


def _body(
    shape: type[BaseModel], report: Report, headers: dict[str, str] | None = None
) -> Response:
    """Written once, not checked again: a report of an hour holds 10,000 beats."""
    fields = set(shape.model_fields)
    content = report.model_dump_json(include=fields)
    return Response(content, media_type="application/json", headers=headers)
