"""Routes that take a fresh proof, `/api/me/proof`: for sessions and keys alike."""

import json
from typing import Any

from fastapi import APIRouter, Depends, Request

from commands.account.passkeys import Passkeys, SignInByPasskey, site_of
from commands.account.proofs import GivenProof, Proofs, proven_until
from kit.auth import Authenticate
from kit.caller import Caller, Proof
from kit.limits import RateLimits
from kit.openapi import problems
from kit.proof import PROVE_AT
from schemas.dto import Dto, Timestamp


class ProofDto(Dto):
    """`every_factor`: enough also for what changes how one signs in."""

    proven_until: Timestamp
    every_factor: bool


def router(
    proofs: Proofs,
    passkeys: Passkeys,
    authenticated: Authenticate,
    limits: RateLimits,
    public_url: str,
) -> APIRouter:
    routes = APIRouter(tags=["account"])

    @routes.post(
        PROVE_AT, operation_id="giveProof", responses=problems(401, 403, 409, 422, 429, 503)
    )
    def give_proof(
        command: GivenProof, request: Request, caller: Caller = Depends(authenticated())
    ) -> ProofDto:
        """Prove anew who you are: for five minutes this session or key may do what needs it."""
        limits.check(request, "sign-in", caller.account_id)
        return _told(proofs.give(caller, command))

    @routes.post(
        f"{PROVE_AT}/passkey/options",
        operation_id="askForPasskeyProof",
        responses=problems(401, 403, 409, 429),
    )
    def ask_for_passkey_proof(
        request: Request, caller: Caller = Depends(authenticated())
    ) -> dict[str, Any]:
        """Answers the options of `navigator.credentials.get`; good for five minutes, once."""
        limits.check(request, "sign-in", caller.account_id)
        site = site_of(request, public_url)
        asked: dict[str, Any] = json.loads(passkeys.ask_to_prove(caller, site))
        return asked

    @routes.post(
        f"{PROVE_AT}/passkey",
        operation_id="giveProofByPasskey",
        responses=problems(401, 403, 422, 429),
    )
    def give_proof_by_passkey(
        command: SignInByPasskey, request: Request, caller: Caller = Depends(authenticated())
    ) -> ProofDto:
        """The same by a passkey of the account, which proves device and owner at once."""
        limits.check(request, "sign-in", caller.account_id)
        passkeys.prove(caller, command, site_of(request, public_url))
        proofs.note(caller, Proof.ALL)
        return _told(Proof.ALL)

    return routes


def _told(proof: Proof) -> ProofDto:
    return ProofDto(proven_until=proven_until(), every_factor=proof is Proof.ALL)
