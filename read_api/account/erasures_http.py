"""GET /api/erasures/{id}, without a session: the id is the only key to it."""

from fastapi import APIRouter, Depends, Request, Response

from kit.limits import RateLimits, client_address
from kit.openapi import problems
from kit.positions import Progress, ReadAt
from read_api.account.erasures import ErasureQueries
from schemas.account.dto import ErasureDto
from schemas.text import Ref


def router(erasures: ErasureQueries, progress: Progress, limits: RateLimits) -> APIRouter:
    routes = APIRouter(tags=["account"])

    def counted(request: Request) -> None:
        limits.check(request, "unverified", client_address(request))

    @routes.get(
        "/api/erasures/{erasure_id}",
        operation_id="getErasure",
        summary="How far an erasure is, and its certificate in the end",
        dependencies=[Depends(counted), Depends(ReadAt("erasures", progress))],
        responses=problems(404, 422, 429, 503),
    )
    def get_erasure(erasure_id: Ref, response: Response) -> ErasureDto:
        response.headers["Cache-Control"] = "no-store"
        return erasures.get(erasure_id)

    return routes
