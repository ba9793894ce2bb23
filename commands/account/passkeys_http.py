"""Routes of passkeys: `/api/me/passkeys`, and signing in with one."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from commands.account.passkeys import (
    AddPasskey,
    PasskeyDto,
    PasskeyRefused,
    Passkeys,
    SignInByPasskey,
    site_of,
)
from commands.account.proofs import NOT_GIVEN, GivenProof, Proofs
from commands.account.sessions import Sessions, SignedIn, user_agent
from commands.account.signing_in import SessionDto, open_session
from commands.http import answer
from kit import security_log
from kit.auth import Authenticate
from kit.caller import Caller, Proof
from kit.csrf import refuse_foreign
from kit.limits import RateLimits
from kit.openapi import problems
from schemas.dto import Page
from schemas.text import Ref


def router(
    passkeys: Passkeys,
    proofs: Proofs,
    sessions: Sessions,
    authenticated: Authenticate,
    limits: RateLimits,
    public_url: str,
) -> APIRouter:
    routes = APIRouter(tags=["account"])
    Owner = Annotated[Caller, Depends(authenticated("account:write"))]

    @routes.get("/api/me/passkeys", operation_id="listPasskeys", responses=problems(401, 403, 429))
    def list_passkeys(caller: Caller = Depends(authenticated("account:read"))) -> Page[PasskeyDto]:
        return Page(data=passkeys.of(caller))

    @routes.post(
        "/api/me/passkeys/options",
        operation_id="askForPasskey",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def ask_for_passkey(
        request: Request, caller: Owner, command: GivenProof = NOT_GIVEN
    ) -> dict[str, Any]:
        """Answers the options of `navigator.credentials.create`; good for five minutes, once."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ALL, command)
        site = site_of(request, public_url)
        asked: dict[str, Any] = json.loads(passkeys.ask_to_add(caller, site))
        return asked

    @routes.post(
        "/api/me/passkeys",
        status_code=201,
        operation_id="addPasskey",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def add_passkey(
        command: AddPasskey, request: Request, response: Response, caller: Owner
    ) -> PasskeyDto:
        """Add what the device made; from now on it signs in."""
        added, committed = passkeys.add(caller, command, site_of(request, public_url))
        answer(response, committed)
        return added

    @routes.delete(
        "/api/me/passkeys/{passkey_id}",
        status_code=204,
        operation_id="removePasskey",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    def remove_passkey(
        passkey_id: Ref,
        request: Request,
        response: Response,
        caller: Owner,
        command: GivenProof = NOT_GIVEN,
    ) -> None:
        """The device signs in no more."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ALL, command)
        answer(response, passkeys.remove(caller, passkey_id))

    @routes.post(
        "/api/sessions/passkey/options",
        tags=["sessions"],
        operation_id="askForPasskeySignIn",
        responses=problems(403, 429, 503),
    )
    def ask_for_passkey_sign_in(request: Request) -> dict[str, Any]:
        """Answers the options of `navigator.credentials.get`; good for five minutes, once."""
        refuse_foreign(request)
        limits.check(request, "passkey-address", sessions.devices.stranger(request))
        asked: dict[str, Any] = json.loads(passkeys.ask_to_sign_in(site_of(request, public_url)))
        return asked

    @routes.post(
        "/api/sessions/passkey",
        status_code=201,
        tags=["sessions"],
        operation_id="signInByPasskey",
        responses=problems(401, 403, 422, 429, 503),
    )
    def sign_in_by_passkey(
        command: SignInByPasskey, request: Request, response: Response
    ) -> SessionDto:
        """Sign in without a password; an earlier session of this browser ends."""
        refuse_foreign(request)
        limits.check(request, "passkey-address", sessions.devices.stranger(request))
        try:
            login = passkeys.accept(command, site_of(request, public_url))
        except PasskeyRefused as error:
            security_log.note("sign-in", "refused", reason=error.code)
            raise
        token = sessions.start(login, user_agent(request), "passkey")
        return open_session(request, response, sessions, SignedIn(token, login))

    return routes
