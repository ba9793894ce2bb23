"""Signing in by password: how often one may guess, and the second factor of those who have one.

Nobody can tell a known address from an unknown one: same answers, same time, same waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hmac import compare_digest

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from commands.account.logins import MAX_EMAIL, Login, Logins, TypedEmail
from commands.account.passwords import MAX_PASSWORD, GivenPassword, Passwords
from commands.account.refused_sign_ins import RefusedSignIns
from commands.account.second_factor import GivenCode, SecondFactorNeeded, SecondFactors, WrongCode
from commands.account.sessions import SESSION_S, Sessions, SignedIn, WrongCredentials, user_agent
from events.account.sign_in import Means, Refusal
from events.errors import NoCultureError
from kit import cookies, security_log
from kit.backoff import Backoff, Patience, TooManyGuesses
from kit.caller import Caller
from kit.csrf import refuse_foreign
from kit.limits import RateLimits
from kit.openapi import problems
from kit.tokens import Signer
from schemas.dto import Dto

# Ten wrong guesses of one's own password are a bad day.
ACCOUNT_PATIENCE = Patience("sign-in-account", free=10, cap_s=300, fresh=3)
_REFUSALS: dict[type[NoCultureError], Refusal] = {
    WrongCredentials: "wrong-password",
    WrongCode: "wrong-code",
    TooManyGuesses: "too-many-guesses",
}
TICKET_S = 300


class SignIn(BaseModel):
    """`code` is for accounts with a second factor: what the device shows, or a recovery code."""

    model_config = ConfigDict(extra="forbid")

    email: TypedEmail
    password: GivenPassword
    code: GivenCode | None = None


class SessionDto(Dto):
    """`csrf_token` goes into the hidden field of a page's forms."""

    account_id: str
    workspace_id: str
    operator: bool
    csrf_token: str


class TicketSpent(NoCultureError):
    status, code = 410, "ticket-spent"

    def __init__(self) -> None:
        super().__init__("The five minutes for the code are over: type your password again")


@dataclass(frozen=True, slots=True)
class Ticket:
    """The password was right; within five minutes the second factor finishes the sign-in."""

    text: str


class SigningIn:
    def __init__(
        self,
        sessions: Sessions,
        logins: Logins,
        passwords: Passwords,
        factors: SecondFactors,
        backoff: Backoff,
        limits: RateLimits,
        signer: Signer,
        refusals: RefusedSignIns,
    ) -> None:
        self._sessions, self._logins, self._passwords = sessions, logins, passwords
        self._factors, self._backoff, self._limits = factors, backoff, limits
        self._signer, self._refusals = signer, refusals

    def sign_in(self, request: Request, email: str, password: str, code: str | None) -> SignedIn:
        """Raises WrongCredentials, SecondFactorNeeded, WrongCode (401), TooManyGuesses (429)."""
        login = self._by_password(request, email, password)
        if self._factors.is_on(login.account_id):
            if code is None:
                raise SecondFactorNeeded
            self._by_code(login, code)
            return self._admitted(request, login, "second-factor")
        return self._admitted(request, login, "password")

    def begin(self, request: Request, email: str, password: str) -> SignedIn | Ticket:
        """For pages, which ask for the code on a page of its own. Raises as `sign_in` does."""
        login = self._by_password(request, email, password)
        if not self._factors.is_on(login.account_id):
            return self._admitted(request, login, "password")
        expires = str(int(time.time()) + TICKET_S)
        return Ticket(f"{login.account_id}.{expires}.{self._tag(login, expires)}")

    def finish(self, request: Request, ticket: str, code: str) -> SignedIn:
        """Raises TicketSpent (410), WrongCode (401), TooManyGuesses (429)."""
        account_id, _, rest = ticket.partition(".")
        expires, _, tag = rest.partition(".")
        login = self._logins.of_account(account_id)
        if login is None or not compare_digest(self._tag(login, expires).encode(), tag.encode()):
            raise TicketSpent
        if int(expires) < time.time():
            raise TicketSpent
        self._by_code(login, code)
        return self._admitted(request, login, "second-factor")

    def _by_password(self, request: Request, email: str, password: str) -> Login:
        """Takes as long for an unknown address as for a wrong password."""
        # A page sends what was typed; nobody has a longer one.
        email, password = email[:MAX_EMAIL].strip(), password[:MAX_PASSWORD]
        stranger, typed = self._sessions.devices.stranger(request), email.casefold()
        self._limits.check(request, "sign-in-address", stranger)
        try:
            # One account, however its address is spelled.
            typed = self._logins.email_key(email)
            login = self._logins.of_email(email)
        except ValueError:
            login = None
        self._limits.check(request, "sign-in", f"{stranger} {typed}")
        guessed = login.account_id if login else typed
        with self._telling(login):
            self._backoff.attempt(ACCOUNT_PATIENCE, guessed)
            try:
                fits = self._passwords.fits(password, login.password_hash if login else None)
            except Exception:
                self._backoff.taken_back(ACCOUNT_PATIENCE, guessed)
                raise
            if login is None or not fits:
                raise WrongCredentials
        self._backoff.succeeded(ACCOUNT_PATIENCE, guessed)
        return login

    def _by_code(self, login: Login, code: str) -> None:
        with self._telling(login):
            self._factors.accept(login.account_id, code)

    @contextmanager
    def _telling(self, login: Login | None) -> Iterator[None]:
        """Tells of refusals inside: in the log only if the account exists."""
        try:
            yield
        except (WrongCredentials, WrongCode, TooManyGuesses) as error:
            reason = _REFUSALS[type(error)]
            account_id = login.account_id if login else None
            security_log.note("sign-in", "refused", account_id=account_id, reason=reason)
            if login is not None:
                self._refusals.note(login, reason)
            raise

    def _admitted(self, request: Request, login: Login, by: Means) -> SignedIn:
        return SignedIn(self._sessions.start(login, user_agent(request), by), login)

    def _tag(self, login: Login, expires: str) -> str:
        # A new password makes the tickets of the old one worthless.
        return self._signer.tag(
            "second-step", f"{login.account_id}.{expires}.{login.password_hash}"
        )


def open_session(
    request: Request, response: Response, sessions: Sessions, signed_in: SignedIn
) -> SessionDto:
    """Set the cookie; an earlier session of this browser ends."""
    earlier = cookies.session_token(request)
    if earlier is not None:
        sessions.end(earlier)
    cookies.set_session(request, response, signed_in.token, SESSION_S)
    sessions.devices.remember(request, response, signed_in.login.account_id)
    caller: Caller | None = sessions.find(signed_in.token)
    if caller is None:
        raise WrongCredentials
    return SessionDto(
        account_id=caller.account_id,
        workspace_id=caller.workspace_id,
        operator=caller.operator,
        csrf_token=caller.csrf_token or "",
    )


def router(signing_in: SigningIn, sessions: Sessions) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

    @routes.post(
        "/api/sessions",
        status_code=201,
        operation_id="signIn",
        responses=problems(401, 403, 422, 429, 503),
    )
    def sign_in(command: SignIn, request: Request, response: Response) -> SessionDto:
        """Sign in with a session cookie; an earlier session of this browser ends."""
        refuse_foreign(request)
        signed_in = signing_in.sign_in(
            request,
            command.email,
            command.password.get_secret_value(),
            command.code.get_secret_value() if command.code else None,
        )
        return open_session(request, response, sessions, signed_in)

    return routes
