"""Routes of the account's address: verifying it by the mailed code, and asking for a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, SecretStr
from starlette.concurrency import run_in_threadpool

from commands.account.address_codes import ASK_AT, VERIFY_AT, AddressCodes
from commands.http import answer
from events.errors import NoCultureError
from kit.auth import Authenticate
from kit.caller import Caller
from kit.limits import RateLimits
from kit.openapi import problems
from schemas.dto import Dto
from schemas.text import Opaque


class VerifyAddress(BaseModel):
    """`code` is of the newest mail."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[SecretStr, Opaque(40)]


class AddressDto(Dto):
    address_verified: bool


class AddressUnverified(NoCultureError):
    status, code = 403, "address-unverified"

    def __init__(self) -> None:
        super().__init__(
            "We mail nothing in your name until your own address is verified: send the code of"
            f" our mail to POST {VERIFY_AT}; POST {ASK_AT} mails a new one"
        )


class RequireVerifiedAddress:
    """`Depends(verified("projects:write"))` for what mails somebody in the caller's name."""

    def __init__(self, authenticated: Authenticate, codes: AddressCodes) -> None:
        self._authenticated, self._codes = authenticated, codes

    def __call__(self, scope: str | None = None) -> Callable[[Request], Awaitable[Caller]]:
        """The caller, or 401, 403 (also `address-unverified`) or 429."""
        authenticated = self._authenticated(scope)

        async def verified(request: Request) -> Caller:
            caller = await authenticated(request)
            if not await run_in_threadpool(self._codes.is_verified, caller.account_id):
                raise AddressUnverified
            return caller

        return verified


def router(
    codes: AddressCodes,
    email_key_of: Callable[[str], str],
    authenticated: Authenticate,
    limits: RateLimits,
) -> APIRouter:
    routes = APIRouter(tags=["account"])

    @routes.post(
        VERIFY_AT,
        operation_id="verifyAddress",
        responses=problems(401, 403, 410, 422, 429, 503),
    )
    def verify_address(
        command: VerifyAddress,
        request: Request,
        response: Response,
        caller: Caller = Depends(authenticated("account:write")),
    ) -> AddressDto:
        """Show by the mailed code that mails to your address arrive."""
        limits.check(request, "sign-in", caller.account_id)
        committed = codes.verify(caller, command.code.get_secret_value())
        if committed is not None:
            answer(response, committed)
        return AddressDto(address_verified=True)

    @routes.post(
        ASK_AT,
        status_code=202,
        operation_id="askForAddressCode",
        responses=problems(401, 403, 429, 503),
    )
    def ask_for_address_code(
        request: Request,
        response: Response,
        caller: Caller = Depends(authenticated("account:write")),
    ) -> AddressDto:
        """A new code by mail, unless the address is verified."""
        if codes.is_verified(caller.account_id):
            return AddressDto(address_verified=True)
        count_address_code(limits, request, email_key_of(caller.account_id))
        answer(response, codes.ask(caller))
        return AddressDto(address_verified=False)

    return routes


def count_address_code(limits: RateLimits, request: Request, email_key: str) -> None:
    """Five mails an hour for an address, however it is spelled. Raises a 429."""
    limits.check(request, "address-code", email_key)
