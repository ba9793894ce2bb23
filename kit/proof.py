"""A fresh proof: a session left open or a stolen key must not be enough for what harms most.

`Depends(proven("money:write"))` stands in the place of `Depends(authenticated("money:write"))`.
Which proofs there are and how they are given is said in docs/adr/0023-fresh-proof.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from kit.auth import Authenticate
from kit.caller import Caller, Proof
from schemas.errors import NoCultureError

PROOF_LIFE_S = 300
PROVE_AT = "/api/me/proof"
_HOW = {
    "password": "your `password`",
    "code": "a `code` of your two-step verification",
    "password and code": "your `password` together with a `code` of your two-step verification",
    "passkey": f"a passkey (POST {PROVE_AT}/passkey/options)",
    "password-reset": "a link by mail (POST /api/password-resets), then a new sign-in",
}


class ProofNeeded(NoCultureError):
    """`ways` are those that this account has, each enough by itself."""

    status, code = 403, "proof-needed"
    headers = {"NoCulture-Problem": code}

    def __init__(self, ways: Sequence[str]) -> None:
        self.ways = tuple(ways)
        known = " or ".join(_HOW.get(way, way) for way in self.ways)
        super().__init__(
            f"Prove that it is you, then send this again: POST {PROVE_AT} with {known};"
            f" it counts for {PROOF_LIFE_S // 60} minutes, as signing in does"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"ways": list(self.ways), "prove_at": PROVE_AT, "valid_for_s": PROOF_LIFE_S}


class Proven:
    """Dependencies of routes that need a fresh proof. `refusal` knows the account's own ways."""

    def __init__(
        self, authenticated: Authenticate, refusal: Callable[[Caller, Proof], ProofNeeded]
    ) -> None:
        self._authenticated, self._refusal = authenticated, refusal

    def __call__(
        self, scope: str | None = None, *, needs: Proof = Proof.ONE
    ) -> Callable[[Request], Awaitable[Caller]]:
        """The caller, or 401, 403 (also `proof-needed`) or 429."""
        authenticated = self._authenticated(scope)

        async def proven(request: Request) -> Caller:
            caller = await authenticated(request)
            if caller.proof < needs:
                raise await run_in_threadpool(self._refusal, caller, needs)
            return caller

        return proven
