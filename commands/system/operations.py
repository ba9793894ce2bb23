"""Operators' actions by hand on sagas: retry, skip, abort, each with a reason that is kept."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from commands.contexts import command_id
from commands.http import answer
from commands.owned import as_seen
from events.store.pending import Committed
from events.system.operation import Action as Action
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.dto import Dto
from schemas.text import Ref, Text

MAX_REASON = 500


class OperateSaga(BaseModel):
    """Why; kept for ever and readable by the owner of what the saga works on."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Text(MAX_REASON, lines=True)]


class OperatedSaga(Dto):
    id: str
    version: int


class SagaOperator(Protocol):
    """`processors.system.operating.Operating`."""

    def operate(
        self,
        action: Action,
        saga_id: str,
        reason: str,
        *,
        operator_id: str | None,
        command_id: str,
        expected_version: int | None,
    ) -> Committed: ...


class Operations:
    def __init__(self, sagas: SagaOperator) -> None:
        self._sagas = sagas

    def operate_saga(
        self,
        caller: Caller,
        action: Action,
        saga_id: str,
        command: OperateSaga,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Raises NotFound (404), SagaEnded, NotSkippable, NothingToRetry (409),
        PreconditionFailed (412).
        """
        with as_seen(expected_version):
            return self._sagas.operate(
                action,
                saga_id,
                command.reason,
                operator_id=caller.account_id,
                command_id=command_id(caller.account_id, f"POST /api/sagas/{{id}}/{action}", key),
                expected_version=expected_version,
            )


def router(operations: Operations, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["sagas"])

    @routes.post(
        "/api/sagas/{saga_id}/{action}",
        operation_id="operateSaga",
        summary="Ask again, do without, or end it: by hand, with a reason",
        responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
    )
    def operate_saga(
        saga_id: Ref,
        action: Action,
        command: OperateSaga,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = Depends(authenticated("operator")),
        key: str | None = Depends(idempotency_key),
    ) -> OperatedSaga:
        """`retry` sends what failed at once and asks again for what was answered; `skip` does
        without what the saga waits for, where that has a meaning; `abort` undoes and ends it.
        """
        committed = operations.operate_saga(caller, action, saga_id, command, expected_version, key)
        answer(response, committed, with_etag=True)
        return OperatedSaga(id=saga_id, version=committed.stream_version)

    return routes
