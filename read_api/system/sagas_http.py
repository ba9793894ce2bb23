"""GET /api/sagas and one saga, as JSON, for operators."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import etag
from kit.openapi import header, problems
from kit.positions import Progress, ReadAt
from read_api.system.sagas import SagaFilters, SagaQueries
from schemas.dto import Page
from schemas.system.sagas import SagaDetailDto, SagaDto
from schemas.text import Ref


def router(authenticated: Authenticate, progress: Progress, sagas: SagaQueries) -> APIRouter:
    routes = APIRouter(prefix="/api/sagas", tags=["sagas"], dependencies=[Depends(authenticated())])
    in_view = Depends(ReadAt("sagas", progress))
    Operator = Annotated[Caller, Depends(authenticated("operator"))]

    @routes.get(
        "",
        operation_id="listSagas",
        summary="Processes, last moved first; `show=stuck` for those that need somebody",
        dependencies=[in_view],
        responses=problems(401, 403, 422, 429, 503),
    )
    def list_sagas(filters: Annotated[SagaFilters, Query()], caller: Operator) -> Page[SagaDto]:
        return sagas.list(filters)

    @routes.get(
        "/{saga_id}",
        operation_id="getSaga",
        summary="One process: every input, what it did about it, and what it waits for",
        dependencies=[in_view],
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            200: {"headers": {"ETag": header('`"v<version>"`')}},
        },
    )
    def get_saga(saga_id: Ref, response: Response, caller: Operator) -> SagaDetailDto:
        saga = sagas.get(saga_id)
        response.headers["ETag"] = etag(saga.version)
        response.headers["Cache-Control"] = "no-store"
        return saga

    return routes
