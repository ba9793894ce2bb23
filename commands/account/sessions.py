"""Sessions of people: kept as hashes, listed, ended at any time; and one-time sign-in links.

A session ends a month after its last use, and after `life` however much it is used.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import psycopg
from fastapi import APIRouter, Depends, Request, Response

from aggregates.account import sign_ins
from aggregates.errors import NotFound
from commands.account.devices import device_of
from commands.account.known_devices import Devices
from commands.account.logins import Login, Logins
from commands.contexts import correlation_id
from commands.unit import CommandContext, Commands
from events.account.sign_in import Means
from events.errors import NoCultureError
from events.ids import AccountId, CommandId, Id, SignInsId
from events.store.pending import StoreBusy, VersionConflict
from kit import cookies, security_log
from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.proof import Proven
from kit.tokens import Signer, random_token, token_hash
from schemas.dto import Dto, Page, Timestamp
from schemas.text import Ref, told

log = logging.getLogger(__name__)
SESSION_S = 30 * 24 * 3600
# A sign-in does not wait for a busy store: the event is left out then.
TRIES = 10
PATIENCE = "SET LOCAL lock_timeout = '500ms'"
_START = (
    "INSERT INTO credentials_sessions"
    " (session_id, token_hash, account_id, user_agent, signed_in_by, expires_at)"
    " VALUES (%s, %s, %s, %s, %s, now() + make_interval(secs => %s))"
)
MAX_USER_AGENT = 300
LINK_LIFE = timedelta(hours=24)


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


class Whose(Protocol):
    """The owner of a session: `commands.account.logins.Login`."""

    @property
    def account_id(self) -> str: ...

    @property
    def workspace_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    login: Login


class Sessions:
    """`life` is how long a session lasts at most."""

    def __init__(self, commands: Commands, logins: Logins, signer: Signer, life: timedelta) -> None:
        self._commands, self._pool = commands, commands.pool
        self._logins, self._signer, self.life = logins, signer, life
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
            security_log.note("sign-in", "refused", reason=LinkSpent.code)
            raise LinkSpent
        return SignedIn(self.start(login, user_agent, "link"), login)

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

    def start(self, whose: Whose, user_agent: str, by: Means | None) -> str:
        """A new session's token. `by` is None for who has just signed up.

        The event is part of the same transaction. While the store is busy the session starts
        without it, and the figures and the security log alone tell of the sign-in.
        """
        token = random_token()
        session = (
            SessionId.new(),
            token_hash(token),
            whose.account_id,
            told(user_agent, MAX_USER_AGENT),
            by or "",
            SESSION_S,
        )
        what: security_log.What = "sign-in" if by else "sign-up"
        security_log.note(what, "accepted", account_id=whose.account_id, by=by)
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM credentials_sessions WHERE expires_at < now()")
        if by is None or not self._told(whose, by, session):
            with self._pool.connection() as connection:
                connection.execute(_START, session)
        return token

    def exchange(self, token: str, by: Means | None = None) -> str | None:
        """Another token for the same session, whose rights are raised; the old one ends.

        `by` is what its owner has shown meanwhile.
        """
        fresh = random_token()
        with self._pool.connection() as connection:
            exchanged = connection.execute(
                "UPDATE credentials_sessions"
                " SET token_hash = %s, signed_in_by = coalesce(%s, signed_in_by)"
                " WHERE token_hash = %s",
                (token_hash(fresh), by, token_hash(token)),
            )
        return fresh if exchanged.rowcount else None

    def find(self, token: str) -> Caller | None:
        """The caller behind a session's token."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT s.session_id, l.account_id, l.workspace_id, l.operator"
                " FROM credentials_sessions s JOIN credentials_logins l USING (account_id)"
                " WHERE s.token_hash = %s AND s.expires_at > now()"
                " AND s.created_at > now() - %s",
                (token_hash(token), self.life),
            ).fetchone()
        return None if row is None else self.caller(*row)

    def caller(
        self,
        session_id: str,
        account_id: str,
        workspace_id: str,
        operator: bool,
        *,
        second_factor: bool = False,
        factor_missing: bool = False,
    ) -> Caller:
        return Caller(
            account_id=account_id,
            workspace_id=workspace_id,
            operator=operator,
            session_id=session_id,
            csrf_token=self._signer.tag("csrf", session_id),
            second_factor=second_factor,
            factor_missing=factor_missing,
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
                " AND created_at > now() - %s ORDER BY used_at DESC, session_id",
                (SESSION_S, caller.account_id, self.life),
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
        security_log.note("session", "ended", account_id=caller.account_id)

    def end_others(self, caller: Caller) -> None:
        """Every session of the account but the one that asks."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM credentials_sessions"
                " WHERE account_id = %s AND session_id IS DISTINCT FROM %s",
                (caller.account_id, caller.session_id),
            )
        security_log.note("session", "ended", account_id=caller.account_id)

    def _told(self, whose: Whose, by: Means, session: tuple[Any, ...]) -> bool:
        """Start the session and append the sign-in at once; False if the store has no time."""
        for _ in range(TRIES):
            try:
                self._tell(AccountId(whose.account_id), whose.workspace_id, by, session)
                return True
            except VersionConflict:
                # Others of this account came in, or were refused, in this moment.
                continue
            except StoreBusy:
                break
            except psycopg.errors.ForeignKeyViolation as error:
                # The account was erased in this moment.
                raise WrongCredentials from error
        log.warning("a sign-in is not in the log: the store is busy")
        return False

    def _tell(
        self, account_id: AccountId, workspace_id: str, by: Means, session: tuple[Any, ...]
    ) -> None:
        context = CommandContext(account_id, workspace_id, CommandId.new(), correlation_id())
        unit = self._commands.unit(context, input={"account_id": account_id})
        stream = SignInsId.beside(account_id)
        unit.change(sign_ins, stream, sign_ins.accept, account_id=account_id, by=by)
        unit.alongside(PATIENCE, ())
        unit.alongside(_START, session)
        unit.commit()


def renew(
    request: Request,
    response: Response,
    sessions: Sessions,
    caller: Caller,
    by: Means | None = None,
) -> None:
    """Gives a browser that may do more from now on another token: an older one, wherever it
    leaked to, must not rise with it.
    """
    token = cookies.session_token(request) if caller.session_id else None
    fresh = sessions.exchange(token, by) if token else None
    if fresh is not None:
        cookies.set_session(request, response, fresh, SESSION_S)


def user_agent(request: Request) -> str:
    """Reads the browser's description of itself."""
    return request.headers.get("user-agent", "")


def router(sessions: Sessions, authenticated: Authenticate, proven: Proven) -> APIRouter:
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
    def end_other_sessions(caller: Caller = Depends(proven("account:write"))) -> None:
        """End every session but this one."""
        sessions.end_others(caller)

    @routes.delete(
        "/api/me/sessions/{session_id}",
        status_code=204,
        operation_id="endSession",
        responses=problems(401, 403, 404, 422, 429),
    )
    def end_session(session_id: Ref, caller: Caller = Depends(proven("account:write"))) -> None:
        """End one session: its browser must sign in again."""
        sessions.end_one(caller, session_id)

    return routes
