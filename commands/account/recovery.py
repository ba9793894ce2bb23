"""A forgotten password: a link by mail, once, within an hour, sets a new one.

The log says that a link was asked for; `reset_links.py` makes it for the mail.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, SecretStr

from aggregates.account import account
from commands.account.address_codes import stage_verified
from commands.account.addresses import address_and_name_of
from commands.account.keys import Keys, KeysToRevoke
from commands.account.known_devices import Devices
from commands.account.logins import MAX_EMAIL, Logins, TypedEmail
from commands.account.passwords import Password, Passwords
from commands.contexts import correlation_id
from commands.http import answer
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.ids import AccountId, CommandId
from events.store.pending import Committed
from kit import security_log
from kit.csrf import refuse_foreign
from kit.limits import RateLimits, client_address
from kit.openapi import problems
from kit.tokens import token_hash
from schemas.account.dto import KeyDto
from schemas.text import Opaque

# A known address costs one append more: all answers wait this long, so that none tells.
ANSWERED_AFTER_S = 0.25
_ROUTE = "PUT /api/password-resets"


class AskForReset(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: TypedEmail


class SetPassword(BaseModel):
    """`token` is the end of the mailed link.

    `revoke_keys`: "all", which it is without a word, for a reset is what helps after a break-in;
    or ids of those that must stop.
    """

    model_config = ConfigDict(extra="forbid")

    token: Annotated[SecretStr, Opaque(200)]
    password: Password
    revoke_keys: KeysToRevoke = "all"


class ResetSpent(NoCultureError):
    status, code = 410, "reset-spent"

    def __init__(self) -> None:
        super().__init__(
            "This link was used, is older than an hour, or a newer one was sent: ask for a new one"
        )


class Recovery:
    def __init__(
        self,
        commands: Commands,
        logins: Logins,
        passwords: Passwords,
        keys: Keys,
        limits: RateLimits,
    ) -> None:
        self._commands, self._logins, self._passwords = commands, logins, passwords
        self._keys, self._limits = keys, limits

    def ask(self, request: Request, email: str) -> None:
        """A link for this address, if it has an account; nothing tells whether it has one.

        Nobody's mailbox is filled: five an hour for an address, however it is spelled, known or
        not. Raises TooManyRequests (429).
        """
        answer_at = time.monotonic() + ANSWERED_AFTER_S
        self._limits.check(request, "password-reset-address", client_address(request))
        email = email[:MAX_EMAIL].strip()
        try:
            spelled, login = self._logins.email_key(email), self._logins.of_email(email)
        except ValueError:
            spelled, login = email.casefold(), None
        self._limits.check(request, "password-reset", login.account_id if login else spelled)
        if login is not None:
            account_id = AccountId(login.account_id)
            context = CommandContext(None, login.workspace_id, CommandId.new(), correlation_id())
            unit = self._commands.unit(context, input={"account_id": account_id})
            unit.change(account, account_id, account.request_password_reset)
            unit.commit()
        time.sleep(max(0.0, answer_at - time.monotonic()))

    def keys_of(self, request: Request, token: str) -> list[KeyDto]:
        """Lists the keys that can be revoked with the reset. Raises ResetSpent (410)."""
        return self._keys.living(self._whose(request, token_hash(token))[0])

    def reset(
        self, request: Request, token: str, password: str, revoke_keys: KeysToRevoke = "all"
    ) -> Committed:
        """Ends every session, link and ticket of the account; its second factor stays.

        Mails to the address have arrived, so it is verified. Raises ResetSpent (410),
        PasswordTooCommon (422), NotFound (404) for a key that is not there; after the last two the
        link still works.
        """
        spent = token_hash(token)
        account_id, workspace_id = self._whose(request, spent)
        theirs = address_and_name_of(self._commands, account_id)
        # The command's id comes from the token: of two who use it at once, one is the replay.
        command = CommandId.derived(account_id, _ROUTE, spent.hex())
        context = CommandContext(account_id, workspace_id, command, correlation_id())
        unit = self._commands.unit(context, input={"account_id": account_id})
        revoked = self._keys.stage_revoking(unit, account_id, revoke_keys)
        unit.change(account, account_id, account.change_password, revoked_keys=revoked)
        stage_verified(unit, account_id)
        unit.alongside(
            "UPDATE credentials_logins SET password_hash = %s WHERE account_id = %s",
            (self._passwords.hash(password, *theirs), account_id),
        )
        for table in ("credentials_sessions", "credentials_links", "credentials_resets"):
            unit.alongside(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))
        committed = unit.commit()
        if committed.replayed:
            raise ResetSpent
        security_log.note("password", "changed", account_id=account_id, by="mail")
        return committed

    def _whose(self, request: Request, spent: bytes) -> tuple[AccountId, str]:
        """Only links that do not work are counted: a neighbour cannot use up what the owner of one
        that works has.
        """
        with self._commands.pool.connection() as connection:
            row = connection.execute(
                "SELECT r.account_id, l.workspace_id FROM credentials_resets r"
                " JOIN credentials_logins l USING (account_id)"
                " WHERE r.token_hash = %s AND r.expires_at > now()",
                (spent,),
            ).fetchone()
        if row is None:
            self._limits.check(request, "unverified", client_address(request))
            security_log.note("password", "refused", reason=ResetSpent.code)
            raise ResetSpent
        return AccountId(row[0]), row[1]


def router(recovery: Recovery, devices: Devices) -> APIRouter:
    routes = APIRouter(tags=["accounts"])

    @routes.post(
        "/api/password-resets",
        status_code=202,
        operation_id="askForPasswordReset",
        responses=problems(403, 422, 429, 503),
    )
    def ask_for_password_reset(command: AskForReset, request: Request) -> None:
        """A link by mail, if the address has an account; the answer is the same if it has none."""
        refuse_foreign(request)
        recovery.ask(request, command.email)

    @routes.put(
        "/api/password-resets",
        status_code=204,
        operation_id="resetPassword",
        responses=problems(403, 404, 410, 422, 429, 503),
    )
    def reset_password(command: SetPassword, request: Request, response: Response) -> None:
        """Set a new password by a mailed link; every session ends, and the keys, if not told else.

        Nobody is signed in.
        """
        refuse_foreign(request)
        token, password = command.token.get_secret_value(), command.password.get_secret_value()
        committed = recovery.reset(request, token, password, command.revoke_keys)
        answer(response, committed)
        devices.remember(request, response, committed.stream_id, mailed=True)

    return routes
