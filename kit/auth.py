"""Who is asking: `Authorization: Bearer <key>` for programs, the session cookie for pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fastapi import Request

from kit import cookies
from kit.caller import Caller
from kit.csrf import SAFE_METHODS, refuse_foreign
from kit.limits import RateLimits, client_address
from schemas.errors import NoCultureError


class Authenticator(Protocol):
    """Finds the caller behind a secret; None for an unknown, ended or revoked one."""

    def session(self, token: str) -> Caller | None: ...

    def key(self, key: str) -> Caller | None: ...


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


class Authenticate:
    """`Depends(authenticated("assets:read"))` gives the Caller, or answers 401, 403 or 429."""

    def __init__(self, authenticator: Authenticator, limits: RateLimits) -> None:
        self._authenticator, self._limits = authenticator, limits

    def __call__(self, scope: str | None = None) -> Callable[[Request], Caller]:
        """The dependency; without a scope any signed-in caller will do."""

        def authenticated(request: Request) -> Caller:
            caller = self.find(request)
            if caller is None:
                raise Unauthenticated
            if scope is not None and not caller.may(scope):
                raise MissingScope(scope)
            return caller

        return authenticated

    def find(self, request: Request) -> Caller | None:
        """The caller, None when nobody is signed in. A key that is sent must be good.

        Also a dependency, for pages that greet strangers.
        """
        if not hasattr(request.state, "caller"):
            request.state.caller = self._identify(request)
        found: Caller | None = request.state.caller
        return found

    def _identify(self, request: Request) -> Caller | None:
        key = _bearer(request)
        token = cookies.session_token(request)
        if key is not None:
            caller = self._authenticator.key(key)
        elif token is not None:
            refuse_foreign(request)
            caller = self._authenticator.session(token)
        else:
            return None
        if caller is None:
            self._limits.check(request, "unverified", client_address(request))
            if key is not None:
                raise InvalidKey
            return None
        policy = "read" if request.method in SAFE_METHODS else "write"
        self._limits.check(request, policy, caller.account_id)
        return caller


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated("The Authorization header must read `Bearer <key>`")
    return key.strip()
