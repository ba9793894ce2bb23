"""Sessions of people: signed in by password or one-time link, kept as hashes, ended at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from psycopg_pool import ConnectionPool
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from commands.logins import Login, Logins
from commands.passwords import Passwords
from events.errors import NoCultureError
from events.ids import Id
from kit import cookies
from kit.auth import Authenticate
from kit.caller import Caller
from kit.csrf import refuse_foreign
from kit.limits import RateLimits, client_address
from kit.openapi import problems
from kit.tokens import Signer, random_token, token_hash

SESSION_S = 30 * 24 * 3600
LINK_LIFE = timedelta(hours=24)


class SessionId(Id, prefix="ses"):
    """One signed-in browser; names the session without being its secret."""


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, StringConstraints(max_length=320)]
    password: Annotated[SecretStr, Field(max_length=1000)]


class SessionDto(BaseModel):
    """`csrf_token` goes into the hidden field of a page's forms."""

    account_id: str
    workspace_id: str
    operator: bool
    csrf_token: str


class WrongCredentials(NoCultureError):
    status, code = 401, "wrong-credentials"

    def __init__(self) -> None:
        super().__init__("E-mail address or password is wrong: check both and try again")


class LinkSpent(NoCultureError):
    status, code = 410, "link-spent"

    def __init__(self) -> None:
        super().__init__("This link was used or is older than a day: ask for a new one")


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    login: Login


class Sessions:
    def __init__(
        self, pool: ConnectionPool, logins: Logins, passwords: Passwords, signer: Signer
    ) -> None:
        self._pool, self._logins, self._passwords = pool, logins, passwords
        self._signer = signer

    def sign_in(self, email: str, password: str) -> SignedIn:
        """Takes as long for an unknown address as for a wrong password. Raises WrongCredentials."""
        try:
            login = self._logins.of_email(email)
        except ValueError:
            login = None
        fits = self._passwords.fits(password, login.password_hash if login else None)
        if login is None or not fits:
            raise WrongCredentials
        return SignedIn(self.start(login.account_id), login)

    def redeem(self, link_token: str) -> SignedIn:
        """Sign in by a one-time link. Raises LinkSpent (410)."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "DELETE FROM credentials_links WHERE token_hash = %s"
                " RETURNING account_id, expires_at > now()",
                (token_hash(link_token),),
            ).fetchone()
        login = self._logins.of_account(row[0]) if row is not None and row[1] else None
        if login is None:
            raise LinkSpent
        return SignedIn(self.start(login.account_id), login)

    def make_link(self, account_id: str) -> str:
        """A token that signs in once, within 24 hours."""
        token = random_token()
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO credentials_links (token_hash, account_id, expires_at)"
                " VALUES (%s, %s, now() + %s)",
                (token_hash(token), account_id, LINK_LIFE),
            )
        return token

    def start(self, account_id: str) -> str:
        """A new session's token: 30 days from its last use."""
        token = random_token()
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM credentials_sessions WHERE expires_at < now()")
            connection.execute(
                "INSERT INTO credentials_sessions (session_id, token_hash, account_id, expires_at)"
                " VALUES (%s, %s, %s, now() + make_interval(secs => %s))",
                (SessionId.new(), token_hash(token), account_id, SESSION_S),
            )
        return token

    def find(self, token: str) -> Caller | None:
        """The caller behind a session's token."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT s.session_id, l.account_id, l.workspace_id, l.operator"
                " FROM credentials_sessions s JOIN credentials_logins l USING (account_id)"
                " WHERE s.token_hash = %s AND s.expires_at > now()",
                (token_hash(token),),
            ).fetchone()
        return None if row is None else self.caller(*row)

    def caller(self, session_id: str, account_id: str, workspace_id: str, operator: bool) -> Caller:
        return Caller(
            account_id=account_id,
            workspace_id=workspace_id,
            operator=operator,
            session_id=session_id,
            csrf_token=self._signer.tag("csrf", session_id),
        )

    def end(self, token: str) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM credentials_sessions WHERE token_hash = %s", (token_hash(token),)
            )


def router(sessions: Sessions, authenticated: Authenticate, limits: RateLimits) -> APIRouter:
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
        address = client_address(request)
        limits.check(request, "sign-in-address", address)
        limits.check(request, "sign-in", f"{address} {command.email.casefold()}")
        signed_in = sessions.sign_in(command.email, command.password.get_secret_value())
        earlier = cookies.session_token(request)
        if earlier is not None:
            sessions.end(earlier)
        cookies.set_session(request, response, signed_in.token, SESSION_S)
        caller = sessions.find(signed_in.token)
        assert caller is not None
        return SessionDto(
            account_id=caller.account_id,
            workspace_id=caller.workspace_id,
            operator=caller.operator,
            csrf_token=caller.csrf_token or "",
        )

    @routes.delete(
        "/api/sessions",
        status_code=204,
        operation_id="signOut",
        responses=problems(401, 403, 429),
    )
    def sign_out(
        request: Request, response: Response, caller: Caller = Depends(authenticated())
    ) -> None:
        """End this browser's session."""
        token = cookies.session_token(request)
        if token is not None:
            sessions.end(token)
        cookies.clear_session(request, response)

    return routes
