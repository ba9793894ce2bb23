"""The trash: recordings are put into it, taken out of it, and all that is in it is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends, Response

from aggregates.vault import asset
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen
from commands.rules import Arguments, Rule
from commands.unit import Commands, Unit
from commands.vault.assets import Assets
from commands.vault.tag_changes import ChangedAsset
from events.ids import AccountId, AssetId
from events.store.pending import Committed
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.text import Ref

# Emptied in one append, which may have so many events.
MOST = 200
# (workspace, how many at most) → ids of what has been in its trash longest.
Oldest = Callable[[str, int], Sequence[str]]


class Trash:
    def __init__(self, commands: Commands, assets: Assets, oldest: Oldest) -> None:
        self._commands, self._assets, self._oldest = commands, assets, oldest

    def trash(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), RightMissing (403), PreconditionFailed (412)."""
        route, by = "POST /api/assets/{id}/trash", AccountId(caller.account_id)
        stream, unit = self._unit(caller, route, asset_id, expected_version, key)
        return _change(unit, stream, expected_version, asset.trash, trashed_by=by, now=unit.now)

    def restore(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), RightMissing (403), PreconditionFailed (412)."""
        route, by = "POST /api/assets/{id}/restore", AccountId(caller.account_id)
        stream, unit = self._unit(caller, route, asset_id, expected_version, key)
        return _change(unit, stream, expected_version, asset.restore, restored_by=by)

    def empty(self, caller: Caller, key: str | None = None) -> Committed | None:
        """Delete the 200 that have been in it longest; None where it is empty. What somebody takes
        out meanwhile stays.
        """
        context = command_context(caller, "POST /api/assets/trash/empty", key)
        unit = self._commands.unit(context, input={})
        if first := unit.once():
            return first
        emptied = False
        for stream in map(AssetId, self._oldest(caller.workspace_id, MOST)):
            state, _ = unit.load(asset, stream, fresh=True)
            if state is not None and state.trash is not None:
                unit.change(asset, stream, asset.empty, until=state.trash.until)
                emptied = True
        return unit.commit() if emptied else None

    def _unit(
        self,
        caller: Caller,
        route: str,
        asset_id: str,
        expected_version: int | None,
        key: str | None,
    ) -> tuple[AssetId, Unit]:
        stream = self._assets.own(caller, asset_id, expected_version)
        said = {"asset_id": stream, "expected": expected_version}
        return stream, self._commands.unit(command_context(caller, route, key), input=said)


def _change(
    unit: Unit,
    stream: AssetId,
    expected_version: int | None,
    decide: Rule[asset.Asset, AssetId, Arguments],
    *args: Arguments.args,
    **said: Arguments.kwargs,
) -> Committed:
    with as_seen(expected_version):
        unit.change_at(expected_version, asset, stream, decide, *args, **said)
        return unit.commit()


def router(trash: Trash, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(prefix="/api/assets", tags=["assets"])
    writer = Depends(authenticated("assets:write"))
    changing = problems(401, 403, 404, 412, 422, 428, 429, 503)

    @routes.post("/{asset_id}/trash", operation_id="trashAsset", responses=changing)
    def trash_asset(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Put a recording into the trash. It is deleted thirty days later, unless it is taken out
        before, or the same file is uploaded again.
        """
        return _told(response, asset_id, trash.trash(caller, asset_id, expected_version, key))

    @routes.post("/{asset_id}/restore", operation_id="restoreAsset", responses=changing)
    def restore_asset(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Take a recording out of the trash, with all that it had."""
        return _told(response, asset_id, trash.restore(caller, asset_id, expected_version, key))

    @routes.post(
        "/trash/empty",
        status_code=204,
        operation_id="emptyTrash",
        responses=problems(401, 403, 422, 429, 503),
    )
    def empty_trash(
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Delete the 200 assets that have been in the trash longest; again until nothing is left in
        `GET /api/assets?trashed=true`.
        """
        committed = trash.empty(caller, key)
        if committed is not None:
            answer(response, committed)

    return routes


def _told(response: Response, asset_id: str, committed: Committed) -> ChangedAsset:
    answer(response, committed, with_etag=True)
    return ChangedAsset(id=asset_id, version=committed.stream_version)
