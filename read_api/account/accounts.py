"""Reads a person's own account for them, and all of it as one document."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.exports import Export
from read_api.errors import ViewNotReady
from read_api.views import Row, Views
from schemas.account.dto import AccountDto

# A view follows within some 50 ms; whoever has just signed up is worth a second.
_PATIENCE_S = 1.0
_SIGNING_IN = {
    "sessions": "SELECT user_agent, signed_in_by, created_at, expires_at FROM credentials_sessions"
    " WHERE account_id = %(id)s ORDER BY created_at",
    "passkeys": "SELECT name, created_at, last_used_at FROM credentials_passkeys"
    " WHERE account_id = %(id)s ORDER BY passkey_id",
    "second_factor": "SELECT enabled_at FROM credentials_second_factors"
    " WHERE account_id = %(id)s AND enabled_at IS NOT NULL",
    "keys": "SELECT name, scopes, hint, created_at, last_used_at, revoked_at"
    " FROM credentials_keys WHERE account_id = %(id)s ORDER BY key_id",
}


class AccountQueries:
    """`exports` are the lists that other areas put into the personal export, by name."""

    def __init__(
        self,
        pool: ConnectionPool,
        exports: Mapping[str, Export],
        *,
        test_mode: bool = True,
    ) -> None:
        self._views, self._exports = Views(pool), exports
        self._test_mode = test_mode

    def get(self, caller: Caller) -> AccountDto:
        """Also right after sign-up; without e-mail and name if the view is a second behind."""
        row = self._row(caller) or {}
        return AccountDto(
            id=caller.account_id,
            workspace_id=caller.workspace_id,
            email=row.get("email"),
            name=row.get("name"),
            operator=caller.operator,
            address_verified=self._is_verified(caller),
        )

    @property
    def export_scopes(self) -> Sequence[str]:
        """The rights that the export needs beside the one to read the account."""
        return [listed.scope for listed in self._exports.values()]

    def export(self, caller: Caller) -> Iterator[str]:
        """One JSON document in pieces: `exported_at`, `account`, `signing_in`, then the lists that
        the areas give, such as `assets` and `events`.

        Flat memory; each page is a short transaction of its own.
        """
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        account = self.get(caller).model_dump_json()
        means = json.dumps(self._signing_in(caller), default=str, ensure_ascii=False)
        yield f'{{"exported_at":"{moment}","account":{account},"signing_in":{means}'
        for name, listed in self._exports.items():
            yield f',"{name}":['
            yield from _joined(listed.pieces(caller))
            yield "]"
        yield "}"

    def _signing_in(self, caller: Caller) -> dict[str, list[Row]]:
        """Reads what is kept of how the person signs in; not the secrets themselves."""
        whose = {"id": caller.account_id}
        return {name: self._views.rows(query, whose) for name, query in _SIGNING_IN.items()}

    def _is_verified(self, caller: Caller) -> bool:
        row = self._views.row(
            "SELECT verified_at IS NOT NULL AS verified FROM credentials_logins"
            " WHERE account_id = %(id)s",
            {"id": caller.account_id},
        )
        return row is not None and (self._test_mode or row["verified"])

    def _row(self, caller: Caller) -> Row | None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                row = self._views.row(
                    "SELECT * FROM views.accounts WHERE account_id = %(id)s",
                    {"id": caller.account_id},
                )
            except ViewNotReady:
                row = None
            if row is not None or time.monotonic() >= deadline:
                return row
            time.sleep(0.02)


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    separator = ""
    for piece in pieces:
        yield separator + piece
        separator = ","
