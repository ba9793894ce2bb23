"""API keys: issued with scopes, shown once, kept as a hash, revoked at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel, ConfigDict, Field

from aggregates.account import key
from aggregates.errors import NotFound
from commands.contexts import command_context
from commands.http import answer
from commands.owned import known
from commands.unit import Commands, Unit
from events.errors import NoCultureError
from events.ids import AccountId, KeyId
from events.store.pending import Committed
from kit import security_log
from kit.auth import Authenticate, require_factor
from kit.caller import Caller, Proof
from kit.idempotency import idempotency_key
from kit.openapi import problems
from kit.proof import Proven
from kit.tokens import random_token, token_hash
from schemas.account.dto import KeyDto
from schemas.dto import Page
from schemas.text import Opaque, Ref, Text

PREFIX = "nck_"
_COLUMNS = "key_id AS id, name, scopes, hint, created_at, last_used_at"


# "all" that the account has, or those that are named.
KeysToRevoke = Literal["all"] | Annotated[list[Ref], Field(max_length=1000)]


class IssueKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Text(200)]
    scopes: Annotated[list[Annotated[str, Opaque(100)]], Field(min_length=1, max_length=20)]


class ScopeExceedsCaller(NoCultureError):
    status, code = 403, "scope-exceeds-caller"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"A key cannot give the scope {scope!r:.60} without having it: sign in instead"
        )


class Keys:
    """`scopes` are all that there are."""

    def __init__(self, commands: Commands, pool: ConnectionPool, scopes: Collection[str]) -> None:
        self._commands, self._pool, self._scopes = commands, pool, scopes

    def offered(self, caller: Caller) -> list[str]:
        """The scopes that a key of this caller may hold, without "*" for all of them."""
        beside = {"*"} if caller.operator else {"*", "operator"}
        return sorted(set(self._scopes) - beside)

    def issue(
        self, caller: Caller, command: IssueKey, idempotency: str | None = None
    ) -> tuple[KeyDto, Committed]:
        """The answer alone holds the key, and not when it is a replay.

        Raises UnknownScope (422), ScopeExceedsAccount and ScopeExceedsCaller (403).
        """
        scopes = tuple(dict.fromkeys(command.scopes))
        secret, key_id = random_token(PREFIX), KeyId.new()
        context = command_context(caller, "POST /api/keys", idempotency)
        unit = self._commands.unit(context, input=command)
        unit.start(
            key,
            key_id,
            key.issue,
            account_id=AccountId(caller.account_id),
            name=command.name,
            scopes=scopes,
            known=self._scopes,
            hint=secret[-4:],
            operator=caller.operator,
        )
        for scope in scopes:
            if scope == "operator":
                require_factor(caller)
            if not caller.may(scope):
                raise ScopeExceedsCaller(scope)
        unit.alongside(
            "INSERT INTO credentials_keys"
            " (key_id, key_hash, account_id, name, scopes, hint, second_factor)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                key_id,
                token_hash(secret),
                caller.account_id,
                command.name,
                list(scopes),
                secret[-4:],
                caller.second_factor,
            ),
        )
        committed = unit.commit()
        issued = self._read("key_id = %s", committed.stream_id)[0]
        if committed.replayed:
            return issued, committed
        security_log.note(
            "key", "issued", account_id=caller.account_id, key_id=issued.id, scopes=scopes
        )
        return issued.model_copy(update={"key": secret}), committed

    def revoke(self, caller: Caller, key_id: str, idempotency: str | None = None) -> Committed:
        """Raises NotFound (404) for another account's key too."""
        context = command_context(caller, "DELETE /api/keys/{id}", idempotency)
        unit = self._commands.unit(context, input={"key_id": key_id})
        stream = known(KeyId, key_id, "The key")
        account_id = AccountId(caller.account_id)
        unit.change(key, stream, key.revoke, account_id=account_id)
        unit.alongside(
            "UPDATE credentials_keys SET revoked_at = now() WHERE key_id = %s AND account_id = %s",
            (stream, caller.account_id),
        )
        committed = unit.commit()
        security_log.note("key", "revoked", account_id=caller.account_id, key_id=stream)
        return committed

    def stage_revoking(
        self, unit: Unit, account_id: AccountId, wanted: KeysToRevoke
    ) -> tuple[KeyId, ...]:
        """Together with a new password. Raises NotFound (404) for what is no key of the account."""
        living = [KeyId(found.id) for found in self.living(account_id)]
        if wanted != "all":
            asked = {known(KeyId, each, "The key") for each in wanted}
            if not asked <= set(living):
                raise NotFound("The key")
            living = sorted(asked)
        for key_id in living:
            unit.change(key, key_id, key.revoke, account_id=account_id, with_password=True)
        unit.alongside(
            "UPDATE credentials_keys SET revoked_at = now() WHERE key_id = ANY(%s)", (living,)
        )
        # What the earlier password has proven counts no more.
        unit.alongside(
            "UPDATE credentials_keys SET proven_at = NULL, fully_proven_at = NULL"
            " WHERE account_id = %s",
            (account_id,),
        )
        return tuple(living)

    def of(self, caller: Caller) -> list[KeyDto]:
        """The account's living keys, oldest first."""
        return self.living(caller.account_id)

    def living(self, account_id: str) -> list[KeyDto]:
        """The same by the account's id."""
        return self._read("account_id = %s AND revoked_at IS NULL", account_id)

    def _read(self, where: str, value: str) -> list[KeyDto]:
        with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            cursor.execute(
                f"SELECT {_COLUMNS} FROM credentials_keys WHERE {where} ORDER BY key_id", (value,)
            )
            return [KeyDto.model_validate(row) for row in cursor]


def router(keys: Keys, authenticated: Authenticate, proven: Proven) -> APIRouter:
    routes = APIRouter(tags=["keys"])

    @routes.post(
        "/api/keys",
        status_code=201,
        operation_id="issueKey",
        responses=problems(401, 403, 422, 429, 503),
    )
    def issue_key(
        command: IssueKey,
        response: Response,
        # A key is a way in that lasts.
        caller: Caller = Depends(proven("account:write", needs=Proof.ALL)),
        idempotency: str | None = Depends(idempotency_key),
    ) -> KeyDto:
        """Make a key, after a fresh proof. `key` is the secret; no later answer shows it again."""
        issued, committed = keys.issue(caller, command, idempotency)
        answer(response, committed)
        return issued

    @routes.get("/api/keys", operation_id="listKeys", responses=problems(401, 403, 429))
    def list_keys(caller: Caller = Depends(authenticated("account:read"))) -> Page[KeyDto]:
        return Page(data=keys.of(caller))

    @routes.delete(
        "/api/keys/{key_id}",
        status_code=204,
        operation_id="revokeKey",
        responses=problems(401, 403, 404, 429, 503),
    )
    def revoke_key(
        key_id: Ref,
        response: Response,
        caller: Caller = Depends(authenticated("account:write")),
        idempotency: str | None = Depends(idempotency_key),
    ) -> None:
        """Stop a key at once."""
        answer(response, keys.revoke(caller, key_id, idempotency))

    return routes
