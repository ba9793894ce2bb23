"""Health, readiness and metrics for machines; GET /api/system for the operator."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kit.auth import Authenticate
from kit.caller import Caller
from kit.gathering import Gathering
from kit.openapi import problems
from read_api.system.metrics import Metrics
from read_api.system.system import Check, SystemQueries, failing
from schemas.system.dto import ReadinessDto, SystemDto

# Longer than any one check waits for a database that is away.
ANSWER_WITHIN_S = 6.0


def router(
    authenticated: Authenticate,
    system: SystemQueries,
    metrics: Metrics,
    checks: Mapping[str, Check],
    alarms: Mapping[str, Check],
) -> APIRouter:
    """`checks` are what /readyz asks, by the name it answers with; `alarms` are told beside them,
    and the installation stays ready.
    """
    routes = APIRouter(tags=["system"])
    # These routes have threads of their own, and one look answers all who ask at a time: so the
    # state stays readable while somebody floods them or holds all threads by other routes.
    readiness = Gathering[None, ReadinessDto](lambda asked: [_ready(checks, alarms)] * len(asked))
    figures = Gathering[None, bytes](lambda asked: [metrics.text()] * len(asked))

    @routes.get(
        "/healthz",
        operation_id="getHealth",
        summary="The process is up",
        response_model_exclude={"alarms"},
    )
    async def healthz() -> ReadinessDto:
        return ReadinessDto(ready=True)

    @routes.get(
        "/readyz",
        operation_id="getReadiness",
        summary="Everything that is needed is there",
        response_model=ReadinessDto,
        responses={503: {"model": ReadinessDto}},
    )
    async def readyz() -> Response:
        try:
            answer = await asyncio.wait_for(readiness.ask(None), ANSWER_WITHIN_S)
        except TimeoutError:
            # The database server may hang without refusing: then only this time limit answers.
            reasons = {"database": f"no answer within {ANSWER_WITHIN_S:g} seconds"}
            answer = ReadinessDto(ready=False, reasons=reasons)
        told = answer.model_dump(exclude=None if answer.alarms else {"alarms"})
        return JSONResponse(told, status_code=200 if answer.ready else 503)

    @routes.get(
        "/metrics",
        operation_id="getMetrics",
        summary="Figures in Prometheus' text form",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def get_metrics() -> Response:
        return Response(await figures.ask(None), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @routes.get(
        "/api/system",
        operation_id="getSystem",
        summary="Parts, consumers, what was put aside, and which outside services are doubles",
        responses=problems(401, 403, 429),
    )
    def get_system(
        caller: Annotated[Caller, Depends(authenticated("operator"))],
    ) -> SystemDto:
        return system.state()

    return routes


def _ready(checks: Mapping[str, Check], alarms: Mapping[str, Check]) -> ReadinessDto:
    reasons = failing(checks)
    # Where something is missing the alarms would ask the same database.
    told = {} if reasons else failing(alarms)
    return ReadinessDto(ready=not reasons, reasons=reasons, alarms=told)
