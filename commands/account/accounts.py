"""Signing up, being invited, becoming an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from aggregates.account import account, workspace
from aggregates.errors import NotFound
from commands.account.address_codes import AddressCodes
from commands.account.addresses import address_and_name_of
from commands.account.keys import Keys, KeysToRevoke
from commands.account.logins import Email, Login, Logins, valid_email
from commands.account.passwords import GivenPassword, Password, Passwords
from commands.account.proofs import GivenProof, Proofs
from commands.account.repeats import Repeats
from commands.account.second_factor import GivenCode
from commands.account.sessions import SESSION_S, Sessions, WrongCredentials, renew, user_agent
from commands.contexts import command_context, command_id, correlation_id
from commands.http import answer
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.ids import AccountId, CommandId, CorrelationId, WorkspaceId
from events.store.pending import ClaimTaken, Committed, InputMismatch
from kit import cookies, security_log
from kit.auth import Authenticate
from kit.backoff import Backoff, Patience
from kit.caller import Caller, Proof
from kit.csrf import refuse_foreign
from kit.idempotency import idempotency_key
from kit.limits import RateLimits, client_address
from kit.openapi import problems
from schemas.account.dto import AccountDto
from schemas.text import Text

ROUTE = "POST /api/accounts"
CHANGE_ROUTE = "PUT /api/me/password"


class RegisterAccount(BaseModel):
    """Open an account with a workspace of its own."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password
    name: Annotated[str, Text(200)]


class ChangePassword(BaseModel):
    """`current_password` may be left out only by somebody who was invited and has none yet; with a
    second factor, `code` only within five minutes of signing in.

    `revoke_keys`: "all", or ids of those that somebody else may know. Without it all stay.
    """

    model_config = ConfigDict(extra="forbid")

    password: Password
    current_password: GivenPassword | None = None
    code: GivenCode | None = None
    revoke_keys: KeysToRevoke = []


# An answer to a sign-up tells whether the address has an account: so often, then ever more slowly.
TAKEN_PATIENCE = Patience("sign-up-taken", free=20, cap_s=300)


class EmailTaken(NoCultureError):
    status, code = 409, "email-taken"

    def __init__(self) -> None:
        super().__init__("This e-mail address has an account: sign in, or use another address")


class CurrentPasswordMissing(NoCultureError):
    status, code = 422, "current-password-missing"

    def __init__(self) -> None:
        super().__init__("The current password is missing: give it beside the new one")


@dataclass(frozen=True, slots=True)
class Registered:
    account: AccountDto
    login: Login
    committed: Committed


@dataclass(frozen=True, slots=True)
class Invitation:
    """`link_token` signs in once, within a day; None for an account that has a password.

    `founded` says that the account was made now, and is the first: it is the operator.
    """

    account_id: str
    workspace_id: str
    link_token: str | None
    founded: bool = False


class Accounts:
    def __init__(
        self,
        commands: Commands,
        logins: Logins,
        passwords: Passwords,
        sessions: Sessions,
        proofs: Proofs,
        keys: Keys,
        repeats: Repeats,
        codes: AddressCodes,
    ) -> None:
        self._commands, self._logins = commands, logins
        self._passwords, self._sessions = passwords, sessions
        self._proofs, self._keys, self._repeats = proofs, keys, repeats
        self._codes = codes

    def register(self, command: RegisterAccount, key: str | None = None) -> Registered:
        """The first account of the installation is its operator.

        Raises EmailTaken (409), PasswordTooCommon and InputMismatch (422).
        """
        password = command.password.get_secret_value()
        login, committed = self._open(
            command.email,
            command.name,
            # Strangers have no id: their Idempotency-Keys are told apart by the address.
            command_id(self._logins.email_key(command.email), ROUTE, key),
            self._passwords.hash(password, command.email, command.name),
        )
        if committed.replayed:
            # Whoever knows the key but not the password must not be signed in by a replay, nor
            # pass the second factor by.
            if not self._passwords.fits(password, login.password_hash):
                raise InputMismatch
            if self._proofs.has_second_factor(login.account_id):
                raise EmailTaken
        return Registered(
            AccountDto(
                id=login.account_id,
                workspace_id=login.workspace_id,
                email=command.email,
                name=command.name,
                operator=login.operator,
                address_verified=self._codes.is_verified(login.account_id),
            ),
            login,
            committed,
        )

    def invite(self, email: str) -> Invitation:
        """The account of this address, made without a password if it is new. Raises ValueError."""
        email = valid_email(email)
        login = self._logins.of_email(email)
        founded = False
        if login is None:
            login, _ = self._open(email, email.partition("@")[0], CommandId.new(), None)
            founded = login.operator
        token = None if login.password_hash else self._sessions.make_link(login.account_id)
        return Invitation(login.account_id, login.workspace_id, token, founded)

    def change_password(
        self, caller: Caller, command: ChangePassword, key: str | None = None
    ) -> Committed:
        """Ends all other sessions of the account.

        Raises WrongCredentials and WrongCode (401), ProofNeeded (403), NotFound (404) for a key
        that is not there, CurrentPasswordMissing, InputMismatch and PasswordTooCommon (422).
        """
        login = self._logins.of_account(caller.account_id)
        if login is None:
            raise NotFound("The account")
        account_id = AccountId(login.account_id)
        input = {"account_id": account_id, "revoke_keys": command.revoke_keys}
        unit = self._commands.unit(command_context(caller, CHANGE_ROUTE, key), input=input)
        if (first := self._repeats.answered(unit, command)) is not None:
            return first
        self._prove(caller, login, command)
        theirs = address_and_name_of(self._commands, account_id)
        revoked = self._keys.stage_revoking(unit, account_id, command.revoke_keys)
        unit.change(account, account_id, account.change_password, revoked_keys=revoked)
        # Two changes at once may both know the right password: the second one fails here.
        unit.require(
            "UPDATE credentials_logins SET password_hash = %s"
            " WHERE account_id = %s AND password_hash IS NOT DISTINCT FROM %s",
            (
                self._passwords.hash(command.password.get_secret_value(), *theirs),
                account_id,
                login.password_hash,
            ),
            otherwise=WrongCredentials(),
        )
        unit.alongside(
            "DELETE FROM credentials_sessions"
            " WHERE account_id = %s AND session_id IS DISTINCT FROM %s",
            (account_id, caller.session_id),
        )
        for table in ("credentials_links", "credentials_resets"):
            unit.alongside(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))
        if key is not None:
            self._repeats.keep(unit, account_id, command)
        committed = self._repeats.same(unit.commit(), unit, command)
        security_log.note("password", "changed", account_id=account_id)
        return committed

    def _prove(self, caller: Caller, login: Login, command: ChangePassword) -> None:
        """The current password is asked for even after a fresh proof; a second factor too."""
        current = command.current_password if login.password_hash else None
        if login.password_hash and current is None:
            raise CurrentPasswordMissing
        given = GivenProof(password=current, code=command.code)
        self._proofs.demand(caller, Proof.ALL, given)

    def has_password(self, caller: Caller) -> bool:
        """False for somebody who was invited and has only signed in by link so far."""
        login = self._logins.of_account(caller.account_id)
        return bool(login and login.password_hash)

    def grant_operator(self, email: str) -> Committed:
        """Raises NotFound (404) when no account has this address."""
        login = self._logins.of_email(email)
        if login is None:
            raise NotFound("An account with this e-mail address")
        account_id = AccountId(login.account_id)
        context = CommandContext(None, login.workspace_id, CommandId.new(), CorrelationId.new())
        unit = self._commands.unit(context, input={"account_id": account_id})
        unit.change(account, account_id, account.grant_operator)
        unit.alongside(
            "UPDATE credentials_logins SET operator = true WHERE account_id = %s", (account_id,)
        )
        committed = unit.commit()
        security_log.note("right", "granted", account_id=account_id, reason="operator")
        return committed

    def _open(
        self, email: str, name: str, command: CommandId, password_hash: str | None
    ) -> tuple[Login, Committed]:
        founder = self._logins.nobody_yet()
        try:
            committed = self._append(email, name, command, password_hash, founder=founder)
        except ClaimTaken as taken:
            if taken.kind != account.FOUNDER_CLAIM:
                raise EmailTaken from taken
            # Two people signed up first at once: the other one is the founder.
            return self._open(email, name, command, password_hash)
        login = self._logins.of_account(committed.stream_id)
        if login is None:
            raise EmailTaken
        return login, committed

    def _append(
        self, email: str, name: str, command: CommandId, password_hash: str | None, *, founder: bool
    ) -> Committed:
        account_id, workspace_id = AccountId.new(), WorkspaceId.new()
        email_key = self._logins.email_key(email)
        context = CommandContext(account_id, workspace_id, command, correlation_id())
        unit = self._commands.unit(context, input={"email": email, "name": name})
        unit.start(
            account,
            account_id,
            account.register,
            workspace_id=workspace_id,
            email=email,
            name=name,
            email_key=email_key,
            founder=founder,
        )
        unit.start(workspace, workspace_id, workspace.create, owner_id=account_id, name=name)
        unit.alongside(Logins.SAVE, (account_id, workspace_id, email_key, password_hash, founder))
        committed = unit.commit()
        if founder and not committed.replayed:
            security_log.note("right", "granted", account_id=account_id, reason="operator")
        return committed


class SigningUp:
    """Signing up as strangers do: counted, and so that addresses cannot be tried out."""

    def __init__(self, accounts: Accounts, backoff: Backoff, limits: RateLimits) -> None:
        self._accounts, self._backoff, self._limits = accounts, backoff, limits

    def register(
        self, request: Request, command: RegisterAccount, key: str | None = None
    ) -> Registered:
        """Raises as `Accounts.register` does, TooManyRequests and TooManyGuesses (429)."""
        network = client_address(request)
        self._limits.check(request, "sign-up", network)
        # Checked before the look-up: a limit that only taken addresses meet would tell of them.
        self._backoff.attempt(TAKEN_PATIENCE, network)
        try:
            registered = self._accounts.register(command, key)
        except EmailTaken:
            raise
        except Exception:
            self._backoff.taken_back(TAKEN_PATIENCE, network)
            raise
        self._backoff.taken_back(TAKEN_PATIENCE, network)
        return registered


def router(signing_up: SigningUp, sessions: Sessions) -> APIRouter:
    routes = APIRouter(tags=["accounts"])

    @routes.post(
        "/api/accounts",
        status_code=201,
        operation_id="registerAccount",
        responses=problems(403, 409, 422, 429, 503),
    )
    def register_account(
        command: RegisterAccount,
        request: Request,
        response: Response,
        key: str | None = Depends(idempotency_key),
    ) -> AccountDto:
        """Sign up; the answer signs in with a session cookie."""
        refuse_foreign(request)
        registered = signing_up.register(request, command, key)
        token = sessions.start(registered.login, user_agent(request), None)
        cookies.set_session(request, response, token, SESSION_S)
        sessions.devices.remember(request, response, registered.account.id)
        answer(response, registered.committed)
        return registered.account

    return routes


def password_router(
    accounts: Accounts, sessions: Sessions, authenticated: Authenticate, limits: RateLimits
) -> APIRouter:
    routes = APIRouter(tags=["accounts"])

    @routes.put(
        "/api/me/password",
        status_code=204,
        operation_id="changePassword",
        responses=problems(401, 403, 404, 409, 422, 429, 503),
    )
    def change_password(
        command: ChangePassword,
        request: Request,
        response: Response,
        caller: Caller = Depends(authenticated("account:write")),
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Choose a new password; every other session ends, and the keys that are named."""
        limits.check(request, "sign-in", caller.account_id)
        answer(response, accounts.change_password(caller, command, key))
        renew(request, response, sessions, caller)
        sessions.devices.remember(request, response, caller.account_id)

    return routes
