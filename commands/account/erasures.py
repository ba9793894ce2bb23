"""Asking to be forgotten: account or party closes at once, the erasure goes on by itself."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from psycopg_pool import ConnectionPool

from aggregates.account import account, erasure, party
from commands.account.erasure_handlers import say_erased
from commands.account.logins import Login, Logins
from commands.account.proofs import NOT_GIVEN, GivenProof, Proofs
from commands.closing import ERASURE_CLAIM
from commands.contexts import command_context
from commands.http import answer
from commands.unit import CommandContext, Commands, Unit
from events.claims import Claim
from events.ids import (
    AccountId,
    CommandId,
    CorrelationId,
    ErasureId,
    PartyId,
    PersonId,
    WorkspaceId,
    person_id,
)
from events.store.pending import ClaimTaken, Committed
from events.store.subject_keys import DESTROY
from kit import cookies
from kit.auth import Authenticate, Unauthenticated
from kit.caller import Caller, Proof
from kit.idempotency import idempotency_key
from kit.limits import RateLimits
from kit.openapi import problems
from schemas.account.dto import RequestedErasure

ROUTE = "DELETE /api/me"
# Another kind than an account's, which closes the workspace that it is in: the house stays open.
PARTY_ERASURE_CLAIM = "party-erasure"


class Erasures:
    """`request` and `request_of_party` are what people do, `redo` what a restored backup makes
    necessary.
    """

    def __init__(self, commands: Commands, logins: Logins, pool: ConnectionPool) -> None:
        self._commands, self._logins, self._pool = commands, logins, pool

    def request(self, caller: Caller, key: str | None = None) -> tuple[ErasureId, Committed]:
        """Ends every session and key; the address is free again at once.

        Raises Unauthenticated (401) when it is gone already, LastOperator (409).
        """
        login = self._logins.of_account(caller.account_id)
        if login is None:
            raise Unauthenticated
        unit = self._commands.unit(
            command_context(caller, ROUTE, key), input={"account_id": login.account_id}
        )
        erasure_id = ErasureId.new()
        self._stage_request(unit, erasure_id, login, last_operator=self._last_operator(login))
        return self._asked(unit, ERASURE_CLAIM)

    def request_of_party(self, unit: Unit, party_id: PartyId) -> tuple[ErasureId, Committed]:
        """Commit with what else the unit does; the address is free again at once.

        Raises NotFound (404), and what the unit requires.
        """
        self._stage_request_of_party(unit, ErasureId.new(), party_id)
        return self._asked(unit, PARTY_ERASURE_CLAIM)

    def redo(self, subject_id: str, workspace_id: str, erasure_id: str) -> None:
        """Erase again whom a restored backup brought back.

        Account or party closes, its key and credentials are gone, and the log says so, in one
        append. What else there is to delete the erasure's saga does again.
        """
        subject, workspace = person_id(subject_id), WorkspaceId(workspace_id)
        known = self._known(subject)
        if known is None or known.erased:
            with self._pool.connection() as connection:
                connection.execute(DESTROY, (subject,))
            return
        context = CommandContext(None, workspace, CommandId.new(), CorrelationId.new())
        unit = self._commands.unit(context, input={"subject_id": subject})
        asked = known.erasure_id or ErasureId(erasure_id)
        if known.erasure_id is None and isinstance(subject, PartyId):
            self._stage_request_of_party(unit, asked, subject)
        elif known.erasure_id is None:
            login = Login(subject, workspace, None, operator=False)
            self._stage_request(unit, asked, login, last_operator=False)
        say_erased(unit, asked, subject, workspace)
        unit.commit()

    def _known(self, subject: PersonId) -> account.Account | party.Party | None:
        state: account.Account | party.Party | None
        if isinstance(subject, PartyId):
            state = self._commands.load(party, subject, fresh=True).state
        else:
            state = self._commands.load(account, subject, fresh=True).state
        return state

    def _asked(self, unit: Unit, claim: str) -> tuple[ErasureId, Committed]:
        try:
            committed = unit.commit()
        except ClaimTaken as taken:
            # Asked for twice at once: the other request was faster and is the answer to both.
            if taken.kind != claim:
                raise
            holder = self._commands.load(erasure, taken.holder, fresh=True)
            return ErasureId(taken.holder), Committed(taken.holder, 1, holder.position)
        return ErasureId(committed.stream_id), committed

    def _stage_request_of_party(self, unit: Unit, erasure_id: ErasureId, party_id: PartyId) -> None:
        unit.start(
            erasure,
            erasure_id,
            erasure.request,
            subject_id=party_id,
            workspace_id=WorkspaceId(unit.context.tenant),
            claim=Claim(PARTY_ERASURE_CLAIM, party_id),
        )
        unit.change(
            party,
            party_id,
            party.request_erasure,
            erasure_id=erasure_id,
            releases=self._claims_of(party_id, party.ADDRESS_CLAIM),
        )

    def _stage_request(
        self, unit: Unit, erasure_id: ErasureId, login: Login, *, last_operator: bool
    ) -> None:
        account_id = AccountId(login.account_id)
        unit.start(
            erasure,
            erasure_id,
            erasure.request,
            subject_id=account_id,
            workspace_id=WorkspaceId(login.workspace_id),
            claim=Claim(ERASURE_CLAIM, account_id),
        )
        unit.change(
            account,
            account_id,
            account.request_erasure,
            erasure_id=erasure_id,
            releases=self._claims_of(account_id, account.EMAIL_CLAIM, account.FOUNDER_CLAIM),
            last_operator=last_operator,
        )
        # Sessions, keys and links go with it (ON DELETE CASCADE).
        unit.alongside("DELETE FROM credentials_logins WHERE account_id = %s", (account_id,))

    def _claims_of(self, person: PersonId, *kinds: str) -> tuple[Claim, ...]:
        """Its address and, of the first account, being the founder: others may have them now."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT kind, key FROM claims WHERE stream_id = %s AND kind = ANY(%s)"
                " ORDER BY kind",
                (person, [*kinds]),
            ).fetchall()
        return tuple(Claim(kind, key, scope="global") for kind, key in rows)

    def _last_operator(self, login: Login) -> bool:
        """True when nobody would be left to operate what others use."""
        if not login.operator:
            return False
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT count(*) > 0 AND NOT coalesce(bool_or(operator), false)"
                " FROM credentials_logins WHERE account_id <> %s",
                (login.account_id,),
            ).fetchone()
        return bool(row and row[0])


def router(
    erasures: Erasures, proofs: Proofs, authenticated: Authenticate, limits: RateLimits
) -> APIRouter:
    routes = APIRouter(tags=["account"])

    @routes.delete(
        "/api/me",
        status_code=202,
        operation_id="deleteMe",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def delete_me(
        request: Request,
        response: Response,
        command: GivenProof = NOT_GIVEN,
        caller: Caller = Depends(authenticated("account:write")),
        key: str | None = Depends(idempotency_key),
    ) -> RequestedErasure:
        """Delete the account with all its recordings, for good; `Location` tells how far it is."""
        limits.check(request, "sign-in", caller.account_id)
        proofs.demand(caller, Proof.ONE, command)
        erasure_id, committed = erasures.request(caller, key)
        answer(response, committed)
        response.headers["Location"] = f"/api/erasures/{erasure_id}"
        cookies.clear_session(request, response)
        return RequestedErasure(id=erasure_id, state="requested")

    return routes
