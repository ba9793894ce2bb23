"""Serves a recording's newest report: waits for it, and begins a run where there is none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from commands.vault.analyses import Analyses
from kit.auth import Authenticate, MissingScope
from kit.caller import Caller
from kit.openapi import header, problems
from kit.positions import Progress, ReadAt, wait_s
from kit.threads import in_thread
from schemas.audio.report import EnhancedAnalysis
from schemas.text import HeaderText, Ref
from schemas.vault.analyses import PendingAnalysis, Standing

# Twice as long as a three-minute track takes on one core.
WAIT_S = 30.0
RETRY_AFTER_S = 5
# A view that takes in a whole library moves a hundred times a second.
LOOK_AT_MOST_EVERY_S = 0.1


# (caller, recording, run from which on) → how far it is: a read model's business.
Look = Callable[[Caller, str, int], Standing]


class AskForAnalysis(BaseModel):
    """`refresh` measures anew before it answers; that needs the scope assets:write."""

    model_config = ConfigDict(extra="forbid")

    assetId: Ref  # as the roadmap names it
    refresh: bool = False


class EnhancedAnalyses:
    """Waiting requests hold no thread, and each looks again only when the view has moved."""

    def __init__(self, analyses: Analyses, look: Look, progress: Progress) -> None:
        self._analyses, self._look, self._progress = analyses, look, progress

    async def standing(
        self, caller: Caller, asset_id: str, *, refresh: bool, timeout_s: float
    ) -> Standing:
        """As soon as there is a report, or else when the time is over.

        A recording measured before there were reports is measured anew. Raises MissingScope (403)
        and what `Look` and `Analyses.start` do.
        """
        if refresh and not caller.may("assets:write"):
            raise MissingScope("assets:write")
        since_run = await self._start(caller, asset_id) if refresh else 0
        deadline, loop = time.monotonic() + timeout_s, asyncio.get_running_loop()
        moved = asyncio.Event()

        def wake() -> None:
            # A closed loop refuses the call; nothing waits in it.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(moved.set)

        with self._progress.telling("analyses", wake) as look_every_s:
            while True:
                moved.clear()
                standing = await in_thread(self._look, caller, asset_id, since_run)
                if standing.unreported:
                    since_run = await self._start(caller, asset_id)
                    continue
                left_s = deadline - time.monotonic()
                if standing.report is not None or left_s <= 0:
                    return standing
                with suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), min(left_s, look_every_s))
                await asyncio.sleep(min(max(left_s, 0), LOOK_AT_MOST_EVERY_S))

    async def _start(self, caller: Caller, asset_id: str) -> int:
        return await in_thread(self._analyses.start, caller, asset_id)


def router(
    enhanced: EnhancedAnalyses, authenticated: Authenticate, progress: Progress
) -> APIRouter:
    routes = APIRouter(tags=["analysis"], dependencies=[Depends(authenticated())])

    @routes.post(
        "/api/analysis/enhanced",
        operation_id="analyseEnhanced",
        summary="What a recording is like: measured, or as the musician says",
        dependencies=[Depends(ReadAt("vault", progress)), Depends(ReadAt("analyses", progress))],
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
        caller: Caller = Depends(authenticated("assets:read")),
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
        # Written once, not checked again: it was checked when it was read.
        content = standing.report.model_dump_json(include=set(EnhancedAnalysis.model_fields))
        return Response(content, media_type="application/json")

    return routes
