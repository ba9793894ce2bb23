"""Routes of the second factor, `/api/me/second-factor`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from commands.http import answer
from commands.passwords import GivenPassword
from commands.second_factor import (
    RecoveryCodes,
    SecondFactorDto,
    SecondFactors,
    SecondFactorSetup,
)
from commands.sessions import Sessions, renew
from commands.signing_in import GivenCode
from kit.auth import Authenticate
from kit.caller import Caller
from kit.limits import RateLimits
from kit.openapi import problems

NO_STORE = {"Cache-Control": "no-store"}


class BeginSecondFactor(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: GivenPassword


class ConfirmSecondFactor(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: GivenCode


class ProveBoth(BaseModel):
    """`code` is of the device, or a recovery code."""

    model_config = ConfigDict(extra="forbid")

    password: GivenPassword
    code: GivenCode


def router(
    factors: SecondFactors, sessions: Sessions, authenticated: Authenticate, limits: RateLimits
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
        command: BeginSecondFactor, request: Request, response: Response, caller: Owner
    ) -> SecondFactorSetup:
        """A secret for the owner's app; it counts once a code of it was confirmed."""
        limits.check(request, "sign-in", caller.account_id)
        response.headers.update(NO_STORE)
        return factors.begin(caller, command.password)

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
        command: ProveBoth, request: Request, response: Response, caller: Owner
    ) -> RecoveryCodes:
        """Eight new recovery codes; the earlier ones count no more."""
        limits.check(request, "sign-in", caller.account_id)
        codes, committed = factors.new_codes(
            caller, command.password, command.code.get_secret_value()
        )
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
        command: ProveBoth, request: Request, response: Response, caller: Owner
    ) -> None:
        """The password alone signs in again."""
        limits.check(request, "sign-in", caller.account_id)
        answer(response, factors.disable(caller, command.password, command.code.get_secret_value()))

    return routes
