"""Routes of the second factor, `/api/me/second-factor`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from commands.account.proofs import NOT_GIVEN, GivenProof, Proofs
from commands.account.second_factor import (
    GivenCode,
    RecoveryCodes,
    SecondFactorDto,
    SecondFactors,
    SecondFactorSetup,
)
from commands.account.sessions import Sessions, renew
from commands.http import answer
from kit.auth import Authenticate
from kit.caller import Caller, Proof
from kit.limits import RateLimits
from kit.openapi import problems

NO_STORE = {"Cache-Control": "no-store"}


class ConfirmSecondFactor(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: GivenCode


def router(
    factors: SecondFactors,
    proofs: Proofs,
    sessions: Sessions,
    authenticated: Authenticate,
    limits: RateLimits,
) -> APIRouter:
    routes = APIRouter(tags=["account"])
    refused = problems(401, 403, 409, 422, 429, 503)
    Owner = Annotated[Caller, Depends(authenticated("account:write"))]

    @routes.get(
        "/api/me/second-factor", operation_id="getSecondFactor", responses=problems(401, 403, 429)
    )
    def get_second_factor(
        caller: Caller = Depends(authenticated("account:read")),
    ) -> SecondFactorDto:
        return factors.of(caller)

    @routes.post(
        "/api/me/second-factor",
        status_code=201,
        operation_id="beginSecondFactor",
        responses=refused,
    )
    def begin_second_factor(
        request: Request, response: Response, caller: Owner, command: GivenProof = NOT_GIVEN
    ) -> SecondFactorSetup:
        """A secret for the owner's app; it counts once a code of it was confirmed."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ALL, command)
        response.headers.update(NO_STORE)
        return factors.begin(caller)

    @routes.post(
        "/api/me/second-factor/confirm",
        operation_id="confirmSecondFactor",
        responses=refused,
    )
    def confirm_second_factor(
        command: ConfirmSecondFactor, request: Request, response: Response, caller: Owner
    ) -> RecoveryCodes:
        """From now on a code is asked for; the recovery codes are shown this once."""
        codes, committed = factors.confirm(caller, command.code.get_secret_value())
        renew(request, response, sessions, caller, "second-factor")
        answer(response, committed)
        response.headers.update(NO_STORE)
        return codes

    @routes.post(
        "/api/me/second-factor/recovery-codes",
        operation_id="replaceRecoveryCodes",
        responses=refused,
    )
    def replace_recovery_codes(
        request: Request, response: Response, caller: Owner, command: GivenProof = NOT_GIVEN
    ) -> RecoveryCodes:
        """Eight new recovery codes; the earlier ones count no more."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ALL, command)
        codes, committed = factors.new_codes(caller)
        answer(response, committed)
        response.headers.update(NO_STORE)
        return codes

    @routes.delete(
        "/api/me/second-factor",
        status_code=204,
        operation_id="disableSecondFactor",
        responses=refused,
    )
    def disable_second_factor(
        request: Request, response: Response, caller: Owner, command: GivenProof = NOT_GIVEN
    ) -> None:
        """The password alone signs in again."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ALL, command)
        answer(response, factors.disable(caller))

    return routes
