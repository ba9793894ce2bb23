"""Asking to be forgotten without an account: a link by mail, once, within a day.

The log says that a link was asked for. An effect makes it (`erasure_links.py`).
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, SecretStr

from aggregates.account import party
from commands.account.erasures import Erasures
from commands.account.logins import MAX_EMAIL, Logins, TypedEmail
from commands.account.parties import Parties
from commands.account.recovery import ANSWERED_AFTER_S
from commands.contexts import correlation_id
from commands.http import answer
from commands.unit import Commands
from events.errors import NoCultureError
from events.ids import CommandId, ErasureId, PartyId
from events.store.pending import Committed
from kit.csrf import refuse_foreign
from kit.limits import RateLimits, client_address
from kit.openapi import problems
from kit.tokens import token_hash
from schemas.account.dto import RequestedErasure
from schemas.text import Opaque

_ROUTE = "PUT /api/erasures"
_WORKS = "party_id = %s AND token_hash = %s AND expires_at > now()"


class AskForErasure(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: TypedEmail


class ConfirmErasure(BaseModel):
    """`token` is the end of the mailed link."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[SecretStr, Opaque(200)]


class ErasureLinkSpent(NoCultureError):
    status, code = 410, "erasure-link-spent"

    def __init__(self) -> None:
        super().__init__(
            "This link was used, is older than a day, or a newer one was sent: ask for a new one"
        )


class PartyErasures:
    def __init__(
        self,
        commands: Commands,
        logins: Logins,
        parties: Parties,
        erasures: Erasures,
        limits: RateLimits,
    ) -> None:
        self._commands, self._logins, self._parties = commands, logins, parties
        self._erasures, self._limits = erasures, limits

    def ask(self, request: Request, email: str) -> None:
        """A link for this address, if a party has it; nothing tells whether one has it.

        Nobody's mailbox is filled: five an hour for an address, known or not. Raises
        TooManyRequests (429).
        """
        answer_at = time.monotonic() + ANSWERED_AFTER_S
        self._limits.check(request, "erasure-link-address", client_address(request))
        email = email[:MAX_EMAIL].strip()
        try:
            email_key = self._logins.email_key(email)
        except ValueError:
            self._limits.check(request, "erasure-link", email.casefold())
        else:
            self._limits.check(request, "erasure-link", email_key)
            if party_id := self._parties.with_key(email_key):
                context = self._parties.context(correlation_id())
                unit = self._commands.unit(context, input={"party_id": party_id})
                unit.change(party, party_id, party.request_erasure_link)
                unit.commit()
        time.sleep(max(0.0, answer_at - time.monotonic()))

    def check(self, request: Request, token: str) -> PartyId:
        """Answer whose link it is. Raises ErasureLinkSpent (410).

        Only links that do not work are counted, as `Recovery` does.
        """
        with self._commands.pool.connection() as connection:
            row = connection.execute(
                "SELECT party_id FROM credentials_erasure_links"
                " WHERE token_hash = %s AND expires_at > now()",
                (token_hash(token),),
            ).fetchone()
        if row is None:
            self._limits.check(request, "unverified", client_address(request))
            raise ErasureLinkSpent
        return PartyId(row[0])

    def erase(self, request: Request, token: str) -> tuple[ErasureId, Committed]:
        """Begin the erasure; the link works no more. Raises ErasureLinkSpent (410)."""
        party_id, spent = self.check(request, token), token_hash(token)
        # The command's id comes from the token: of two who use it at once, one is the replay.
        command = CommandId.derived(party_id, _ROUTE, spent.hex())
        context = self._parties.context(correlation_id(), command)
        unit = self._commands.unit(context, input={"party_id": party_id})
        unit.require(
            f"DELETE FROM credentials_erasure_links WHERE {_WORKS}",
            (party_id, spent),
            ErasureLinkSpent(),
        )
        return self._erasures.request_of_party(unit, party_id)


def router(erasures: PartyErasures) -> APIRouter:
    routes = APIRouter(tags=["account"])

    @routes.post(
        "/api/erasures",
        status_code=202,
        operation_id="askForErasure",
        responses=problems(403, 422, 429, 503),
    )
    def ask_for_erasure(command: AskForErasure, request: Request) -> None:
        """A link by mail for somebody without an account, if the address is known here; the answer
        is the same if it is not.
        """
        refuse_foreign(request)
        erasures.ask(request, command.email)

    @routes.put(
        "/api/erasures",
        status_code=202,
        operation_id="confirmErasure",
        responses=problems(403, 404, 410, 422, 429, 503),
    )
    def confirm_erasure(
        command: ConfirmErasure, request: Request, response: Response
    ) -> RequestedErasure:
        """Be forgotten, by a mailed link; `Location` tells how far it is."""
        refuse_foreign(request)
        erasure_id, committed = erasures.erase(request, command.token.get_secret_value())
        answer(response, committed)
        response.headers["Location"] = f"/api/erasures/{erasure_id}"
        return RequestedErasure(id=erasure_id, state="requested")

    return routes
