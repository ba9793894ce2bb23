"""Measure a recording anew, or many of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from aggregates.vault import analysis, asset, reanalysis
from aggregates.vault.asset import AssetInTrash, AssetNotReady
from commands.contexts import command_context
from commands.http import answer
from commands.owned import known, owned
from commands.unit import Commands
from commands.vault.sharing import reach
from events.access import OWN
from events.errors import NoCultureError
from events.ids import AccountId, AnalysisId, AssetId, ReanalysisId, WorkspaceId
from events.store.pending import ClaimTaken, Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.text import Ref
from schemas.vault.analyses import CancelledReanalysis, ReanalysisFilter, RequestedReanalysis

# (workspace, filter) → ids of recordings: a read model's business.
Choose = Callable[[str, ReanalysisFilter], Sequence[str]]


class ReanalysisRunning(NoCultureError):
    """Carries the `id` of the one that is under way."""

    status, code = 409, "reanalysis-running"

    def __init__(self, reanalysis_id: str) -> None:
        self.reanalysis_id = reanalysis_id
        super().__init__(
            "Your tracks are being re-analysed already: wait until that is done, or stop it"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"id": self.reanalysis_id}


class RequestReanalysis(BaseModel):
    """Without a filter every recording of the vault that was measured or given up."""

    model_config = ConfigDict(extra="forbid")

    filter: ReanalysisFilter = Field(default_factory=ReanalysisFilter)


class Analyses:
    def __init__(self, commands: Commands, choose: Choose) -> None:
        self._commands, self._choose = commands, choose

    def start(self, caller: Caller, asset_id: str) -> int:
        """Measure it anew; the run that is begun, or the one that is under way already.

        Raises NotFound (404), RightMissing (403), AssetInTrash (409), AssetNotReady (409), also if
        it is deleted before the commit.
        """
        stream = known(AssetId, asset_id, "The asset")
        found = self._commands.load(asset, stream, fresh=True).state
        recording = reach(caller, found, OWN)
        if recording.trash is not None:
            raise AssetInTrash
        if recording.state != "verified":
            raise AssetNotReady(recording.state)
        analysis_id = AnalysisId.beside(stream)
        context = command_context(caller, "POST /api/analysis/enhanced", None)
        unit = self._commands.unit(context, input={"asset_id": stream})
        unit.change(
            analysis,
            analysis_id,
            analysis.request_again,
            asset_id=stream,
            workspace_id=recording.workspace_id,
            sha256=recording.sha256,
        )
        held = asset.content_claim(recording.sha256)
        unit.while_held(held, stream, otherwise=AssetNotReady("deleted"))
        unit.commit()
        run: int = self._commands.load(analysis, analysis_id).state.run
        return run

    def request(
        self, caller: Caller, command: RequestReanalysis, key: str | None = None
    ) -> tuple[RequestedReanalysis, Committed]:
        """Measure many again, behind all that somebody waits for.

        Raises ReanalysisRunning (409).
        """
        context = command_context(caller, "POST /api/analysis/runs", key)
        unit = self._commands.unit(context, input=command)
        chosen = self._choose(caller.workspace_id, command.filter)
        reanalysis_id = ReanalysisId.new()
        unit.start(
            reanalysis,
            reanalysis_id,
            reanalysis.request,
            workspace_id=WorkspaceId(caller.workspace_id),
            requested_by=AccountId(caller.account_id),
            asset_ids=tuple(map(AssetId, chosen)),
            analyser_version_below=command.filter.analyser_version_below,
        )
        try:
            committed = unit.commit()
        except ClaimTaken as taken:
            raise ReanalysisRunning(taken.holder) from taken
        begun = self._commands.load(reanalysis, committed.stream_id).state
        return RequestedReanalysis(id=committed.stream_id, total=begun.total), committed

    def cancel(self, caller: Caller, reanalysis_id: str, key: str | None = None) -> Committed:
        """Begin no further batch. Raises NotFound (404), ReanalysisOver (409)."""
        stream = known(ReanalysisId, reanalysis_id, "The run")
        owned(self._commands, caller, reanalysis, stream, "The run")
        unit = self._commands.unit(
            command_context(caller, "DELETE /api/analysis/runs/{id}", key),
            input={"reanalysis_id": stream},
        )
        unit.change(
            reanalysis, stream, reanalysis.cancel, cancelled_by=AccountId(caller.account_id)
        )
        return unit.commit()


def router(analyses: Analyses, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["analysis"])

    @routes.post(
        "/api/analysis/runs",
        status_code=202,
        operation_id="requestReanalysis",
        summary="Measure many recordings again",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def request_reanalysis(
        response: Response,
        command: RequestReanalysis,
        caller: Caller = Depends(authenticated("assets:write")),
        key: str | None = Depends(idempotency_key),
    ) -> RequestedReanalysis:
        """One at a time in a vault; what people wait for is measured before it."""
        requested, committed = analyses.request(caller, command, key)
        answer(response, committed)
        response.headers["Location"] = f"/api/analysis/runs/{requested.id}"
        return requested

    @routes.delete(
        "/api/analysis/runs/{reanalysis_id}",
        operation_id="cancelReanalysis",
        summary="Measure no more of them",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    def cancel_reanalysis(
        reanalysis_id: Ref,
        response: Response,
        caller: Caller = Depends(authenticated("assets:write")),
        key: str | None = Depends(idempotency_key),
    ) -> CancelledReanalysis:
        """Stops before the next batch; recordings already asked for are still measured."""
        answer(response, analyses.cancel(caller, reanalysis_id, key))
        return CancelledReanalysis(id=reanalysis_id)

    return routes
