"""Operators sign somebody out everywhere: a browser was stolen, an account is in wrong hands."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from aggregates.account import account
from aggregates.errors import NotFound
from commands.account.logins import Login, Logins
from commands.contexts import correlation_id
from commands.http import answer
from commands.owned import known
from commands.unit import CommandContext, Commands
from events.ids import AccountId, CommandId
from events.store.pending import Committed
from kit import security_log
from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from schemas.text import Ref


class SigningOut:
    def __init__(self, commands: Commands, logins: Logins) -> None:
        self._commands, self._logins = commands, logins

    def by_id(self, account_id: str, operator: Caller | None) -> Committed:
        """Ends every session and one-time link. Raises NotFound (404)."""
        account_id = known(AccountId, account_id, "The account")
        return self._end(self._logins.of_account(account_id), operator)

    def by_email(self, email: str, operator: Caller | None) -> Committed:
        """The same. Raises NotFound (404), also for what is no address."""
        try:
            login = self._logins.of_email(email)
        except ValueError:
            login = None
        return self._end(login, operator)

    def _end(self, login: Login | None, operator: Caller | None) -> Committed:
        if login is None:
            raise NotFound("The account")
        account_id = AccountId(login.account_id)
        by = AccountId(operator.account_id) if operator else None
        context = CommandContext(by, login.workspace_id, CommandId.new(), correlation_id())
        unit = self._commands.unit(context, input={"account_id": account_id})
        unit.change(account, account_id, account.end_sessions, operator_id=by)
        for table in ("credentials_sessions", "credentials_links"):
            unit.alongside(f"DELETE FROM {table} WHERE account_id = %s", (account_id,))
        committed = unit.commit()
        security_log.note("session", "ended", account_id=account_id, by="operator")
        return committed


def router(signing_out: SigningOut, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["sessions"])

    @routes.delete(
        "/api/accounts/{account_id}/sessions",
        status_code=204,
        operation_id="signOutAccount",
        summary="End every session of somebody else's account, as an operator",
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def sign_out_account(
        account_id: Ref,
        response: Response,
        caller: Caller = Depends(authenticated("operator")),
    ) -> None:
        """Its browsers must sign in again and its live streams end; its keys stay."""
        answer(response, signing_out.by_id(account_id, caller))

    return routes
