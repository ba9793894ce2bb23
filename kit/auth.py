"""Authenticates: `Authorization: Bearer <key>` for programs, the session cookie for pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from kit import cookies, security_log
from kit.caller import Caller
from kit.csrf import SAFE_METHODS, refuse_foreign
from kit.gathering import Gathering
from kit.limits import RateLimits, client_address
from kit.policies import Policy
from kit.tokens import token_hash
from schemas.errors import NoCultureError


@dataclass(frozen=True, slots=True)
class Secret:
    """A key or a session's token, as the database knows it."""

    hash: bytes
    is_key: bool


@dataclass(frozen=True, slots=True)
class Admission:
    """The sender of a secret, and `RateLimits.count` of that request, None if not counted."""

    caller: Caller
    ahead_s: float | None


class Authenticator(Protocol):
    """Finds the callers behind secrets and counts their requests; None for an unknown, ended or
    revoked one.

    Callers near their limit may be left uncounted.
    """

    def admit(self, secrets: Sequence[Secret], policy: Policy) -> Sequence[Admission | None]: ...


class Unauthenticated(NoCultureError):
    status, code = 401, "unauthenticated"
    headers = {"WWW-Authenticate": "Bearer"}

    def __init__(self, message: str = "Sign in, or send a key as `Authorization: Bearer`") -> None:
        super().__init__(message)


class InvalidKey(Unauthenticated):
    code = "invalid-key"
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}

    def __init__(self) -> None:
        super().__init__("This key is unknown or was revoked: make a new one in your account")


class MissingScope(NoCultureError):
    status, code = 403, "missing-scope"

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(f"This needs the scope {scope}: use a key or an account that holds it")

    @property
    def details(self) -> dict[str, object]:
        return {"scope": self.scope}


class SecondFactorRequired(NoCultureError):
    status, code = 403, "second-factor-required"

    def __init__(self) -> None:
        super().__init__(
            "Operators of this installation sign in with two-step verification: set it up at"
            " /account/security, or sign in again with the one that you have; a key counts if it"
            " was made so"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"set_up": "/account/security"}


def require(caller: Caller, scope: str) -> None:
    """Raises MissingScope, or SecondFactorRequired where only that is missing (403)."""
    if caller.may(scope):
        return
    if scope == "operator" and caller.holds(scope):
        require_factor(caller)
    raise MissingScope(scope)


def require_factor(caller: Caller) -> None:
    """Raises SecondFactorRequired (403) for an operator who has none and needs one."""
    if caller.factor_missing:
        raise SecondFactorRequired


class Authenticate:
    """`Depends(authenticated("assets:read"))` gives the Caller, or answers 401, 403 or 429."""

    def __init__(self, authenticator: Authenticator, limits: RateLimits) -> None:
        self._admit, self._limits = authenticator.admit, limits
        self._reading, self._writing = (
            Gathering[Secret, Admission | None](partial(authenticator.admit, policy=policy))
            for policy in (limits.policy("read"), limits.policy("write"))
        )

    def __call__(self, scope: str | None = None) -> Callable[[Request], Awaitable[Caller]]:
        """The dependency; without a scope any signed-in caller will do."""

        async def authenticated(request: Request) -> Caller:
            caller = await self.who(request)
            if caller is None:
                raise Unauthenticated
            if scope is not None:
                require(caller, scope)
            return caller

        return authenticated

    def find(self, request: Request) -> Caller | None:
        """The caller, None when nobody is signed in. A key that is sent must be good.

        Also a dependency, for pages that greet strangers.
        """
        if not hasattr(request.state, "caller"):
            secret = _secret(request)
            admission = self._admit([secret], self._policy(request))[0] if secret else None
            request.state.caller = self._settle(request, secret, admission)
        found: Caller | None = request.state.caller
        return found

    async def who(self, request: Request) -> Caller | None:
        """The same, sharing a statement with the requests beside it."""
        if not hasattr(request.state, "caller"):
            secret, admission = _secret(request), None
            if secret is not None:
                gathering = self._reading if _is_safe(request) else self._writing
                admission = await gathering.ask(secret)
            settled = (request, secret, admission)
            if secret is None or (admission is not None and admission.ahead_s is not None):
                request.state.caller = self._settle(*settled)
            else:
                # This request is counted alone, in a statement of its own.
                request.state.caller = await run_in_threadpool(self._settle, *settled)
        found: Caller | None = request.state.caller
        return found

    def _settle(
        self, request: Request, secret: Secret | None, admission: Admission | None
    ) -> Caller | None:
        if secret is None:
            return None
        if admission is None:
            self._limits.check(request, "unverified", client_address(request))
            if secret.is_key:
                security_log.note("key", "refused", reason=InvalidKey.code)
                raise InvalidKey
            return None
        # Set before the check: the page that says that a limit is reached knows the caller too.
        request.state.caller = admission.caller
        policy = self._policy(request)
        if admission.ahead_s is None:
            self._limits.check(request, policy.name, admission.caller.account_id)
        else:
            self._limits.answer(request, policy, admission.ahead_s)
        return admission.caller

    def _policy(self, request: Request) -> Policy:
        return self._limits.policy("read" if _is_safe(request) else "write")


def _is_safe(request: Request) -> bool:
    return request.method in SAFE_METHODS


def _secret(request: Request) -> Secret | None:
    """Reads what the request proves itself with. Raises Unauthenticated, ForeignOrigin."""
    key = _bearer(request)
    if key is not None:
        return Secret(token_hash(key), is_key=True)
    token = cookies.session_token(request)
    if token is None:
        return None
    refuse_foreign(request)
    return Secret(token_hash(token), is_key=False)


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("The Authorization header must read `Bearer <key>`")
    return key.strip()
