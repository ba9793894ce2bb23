"""Sessions of people: kept as hashes, listed, ended at any time; and one-time sign-in links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Depends, Request, Response
from psycopg_pool import ConnectionPool

from aggregates.errors import NotFound
from commands.devices import Devices
from commands.logins import Login, Logins
from events.errors import NoCultureError
from events.ids import Id
from kit import cookies
from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.tokens import Signer, random_token, token_hash
from schemas.dto import Dto, Page, Timestamp
from schemas.text import Ref, told

SESSION_S = 30 * 24 * 3600
MAX_USER_AGENT = 300
LINK_LIFE = timedelta(hours=24)


# The first that fits: Edge and Opera say Chrome too, everybody says Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class SessionId(Id, prefix="ses"):
    """One signed-in browser; names the session without being its secret."""


class OpenSession(Dto):
    """`device` is what the browser says of itself; `last_used_at` is exact to the hour."""

    id: str
    device: str
    current: bool
    created_at: Timestamp
    last_used_at: Timestamp


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
    def __init__(self, pool: ConnectionPool, logins: Logins, signer: Signer) -> None:
        self._pool, self._logins, self._signer = pool, logins, signer
        self.devices = Devices(logins, signer)

    def redeem(self, link_token: str, user_agent: str = "") -> SignedIn:
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
        return SignedIn(self.start(login.account_id, user_agent), login)

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

    def start(self, account_id: str, user_agent: str = "") -> str:
        """A new session's token: 30 days from its last use."""
        token = random_token()
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM credentials_sessions WHERE expires_at < now()")
            connection.execute(
                "INSERT INTO credentials_sessions"
                " (session_id, token_hash, account_id, user_agent, expires_at)"
                " VALUES (%s, %s, %s, %s, now() + make_interval(secs => %s))",
                (
                    SessionId.new(),
                    token_hash(token),
                    account_id,
                    told(user_agent, MAX_USER_AGENT),
                    SESSION_S,
                ),
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

    def of(self, caller: Caller) -> list[OpenSession]:
        """The account's living sessions, the one used last first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT session_id, user_agent, created_at,"
                " greatest(created_at, expires_at - make_interval(secs => %s)) AS used_at"
                " FROM credentials_sessions WHERE account_id = %s AND expires_at > now()"
                " ORDER BY used_at DESC, session_id",
                (SESSION_S, caller.account_id),
            ).fetchall()
        return [
            OpenSession(
                id=session_id,
                device=device_of(user_agent),
                current=session_id == caller.session_id,
                created_at=created_at,
                last_used_at=used_at,
            )
            for session_id, user_agent, created_at, used_at in rows
        ]

    def end_one(self, caller: Caller, session_id: str) -> None:
        """Raises NotFound (404) for another account's session too."""
        with self._pool.connection() as connection:
            ended = connection.execute(
                "DELETE FROM credentials_sessions WHERE session_id = %s AND account_id = %s",
                (session_id, caller.account_id),
            )
        if not ended.rowcount:
            raise NotFound("The session")

    def end_others(self, caller: Caller) -> None:
        """Every session of the account but the one that asks."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM credentials_sessions"
                " WHERE account_id = %s AND session_id IS DISTINCT FROM %s",
                (caller.account_id, caller.session_id),
            )


def user_agent(request: Request) -> str:
    """What the browser says of itself."""
    return request.headers.get("user-agent", "")


def device_of(user_agent: str) -> str:
    """Browser and system in words: enough to know one's own devices, no more."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def router(sessions: Sessions, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

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

    @routes.get("/api/me/sessions", operation_id="listSessions", responses=problems(401, 403, 429))
    def list_sessions(
        caller: Caller = Depends(authenticated("account:read")),
    ) -> Page[OpenSession]:
        return Page(data=sessions.of(caller))

    @routes.delete(
        "/api/me/sessions",
        status_code=204,
        operation_id="endOtherSessions",
        responses=problems(401, 403, 429),
    )
    def end_other_sessions(caller: Caller = Depends(authenticated("account:write"))) -> None:
        """End every session but this one."""
        sessions.end_others(caller)

    @routes.delete(
        "/api/me/sessions/{session_id}",
        status_code=204,
        operation_id="endSession",
        responses=problems(401, 403, 404, 422, 429),
    )
    def end_session(
        session_id: Ref, caller: Caller = Depends(authenticated("account:write"))
    ) -> None:
        """End one session: its browser must sign in again."""
        sessions.end_one(caller, session_id)

    return routes
