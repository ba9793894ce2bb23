"""Marks of one recording: how far it is, how good, in which colour."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from aggregates.vault import asset
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen
from commands.unit import Commands
from commands.vault.assets import Assets
from commands.vault.mark_changes import MarkChanges
from commands.vault.tag_changes import ChangedAsset
from events.ids import AccountId
from events.store.pending import Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.text import Ref


class Marks:
    def __init__(self, commands: Commands, assets: Assets) -> None:
        self._commands, self._assets = commands, assets

    def mark(
        self,
        caller: Caller,
        asset_id: str,
        changes: MarkChanges,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """By the workspace only, with whomever it is shared. Raises NotFound (404), RightMissing
        (403), AssetInTrash (409), PreconditionFailed (412).
        """
        said = changes.model_dump(exclude_unset=True)
        stream = self._assets.own(caller, asset_id, expected_version)
        unit = self._commands.unit(
            command_context(caller, "PATCH /api/assets/{id}/marks", key),
            input={"asset_id": stream, "expected": expected_version, "changes": said},
        )
        by = AccountId(caller.account_id)
        with as_seen(expected_version):
            unit.change_at(expected_version, asset, stream, asset.mark, marked_by=by, changes=said)
            return unit.commit()


def router(marks: Marks, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["assets"])

    @routes.patch(
        "/api/assets/{asset_id}/marks",
        operation_id="markAsset",
        responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
    )
    def mark_asset(
        asset_id: Ref,
        changes: MarkChanges,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = Depends(authenticated("assets:write")),
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Give it a status, a rating or a colour, for the workspace only: nobody it is shared with
        sees them.
        """
        committed = marks.mark(caller, asset_id, changes, expected_version, key)
        answer(response, committed, with_etag=True)
        return ChangedAsset(id=asset_id, version=committed.stream_version)

    return routes
