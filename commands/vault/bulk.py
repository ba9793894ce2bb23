"""Many recordings at once: edited, marked, put into the trash and taken out of it, or deleted, all
together or not at all, in one append.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from aggregates.decision import Decision
from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import AssetInTrash, AssetNotReady
from commands.contexts import command_context
from commands.http import answer
from commands.rules import Arguments, Rule
from commands.unit import Commands, Unit
from commands.vault.assets import Assets
from commands.vault.bulk_requests import (
    ChangedAssets,
    EditAssets,
    Edited,
    EditedAssets,
    MarkAssets,
    Marked,
    Named,
    NamedAssets,
    SomeAssetsRefuse,
    Undo,
    UndoOfOne,
)
from commands.vault.mark_changes import MarkChanges
from commands.vault.tag_changes import ChangedAsset, TagChanges
from events.access import RightMissing
from events.ids import AccountId, AssetId
from events.store.pending import Committed, VersionConflict
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.openapi import problems

EDIT, DELETE = "POST /api/assets/edits", "POST /api/assets/deletions"
MARK = "POST /api/assets/marks"
TRASH, RESTORE = "POST /api/assets/trash", "POST /api/assets/restore"


@dataclass(frozen=True, slots=True)
class Way:
    """A way of changing each by changes of its own: the rule, what to say to undo it, and whether
    the file must be verified.
    """

    route: str
    change: Callable[..., Decision]
    before: Callable[[asset.Asset, Mapping[str, Any]], dict[str, Any]]
    verified: bool


class Bulk:
    def __init__(self, commands: Commands, assets: Assets) -> None:
        self._commands, self._assets = commands, assets

    def edit(
        self, caller: Caller, command: EditAssets, key: str | None = None
    ) -> tuple[EditedAssets, Committed]:
        """Raises SomeAssetsRefuse (409): then nothing was changed."""
        return self._change_each(caller, command, key, EDITING)

    def mark(
        self, caller: Caller, command: MarkAssets, key: str | None = None
    ) -> tuple[EditedAssets, Committed]:
        """Raises SomeAssetsRefuse (409): then nothing was marked."""
        return self._change_each(caller, command, key, MARKING)

    def trash(
        self, caller: Caller, command: NamedAssets, key: str | None = None
    ) -> tuple[ChangedAssets, Committed]:
        """Raises SomeAssetsRefuse (409): then all stay where they are."""
        by = AccountId(caller.account_id)
        unit = self._unit(caller, TRASH, key, command)
        committed = self._all(
            unit, caller, command.assets, asset.trash, trashed_by=by, now=unit.now
        )
        return ChangedAssets(assets=self._now(command.assets)), committed

    def restore(
        self, caller: Caller, command: NamedAssets, key: str | None = None
    ) -> tuple[ChangedAssets, Committed]:
        """Raises SomeAssetsRefuse (409): then all stay where they are."""
        by = AccountId(caller.account_id)
        unit = self._unit(caller, RESTORE, key, command)
        committed = self._all(unit, caller, command.assets, asset.restore, restored_by=by)
        return ChangedAssets(assets=self._now(command.assets)), committed

    def delete(self, caller: Caller, command: NamedAssets, key: str | None = None) -> Committed:
        """Raises SomeAssetsRefuse (409): then nothing was deleted."""
        by = AccountId(caller.account_id)
        unit = self._unit(caller, DELETE, key, command)
        return self._all(unit, caller, command.assets, asset.delete, deleted_by=by)

    def _change_each(
        self, caller: Caller, command: EditAssets | MarkAssets, key: str | None, way: Way
    ) -> tuple[EditedAssets, Committed]:
        named: Sequence[Edited | Marked] = command.assets
        said = {each.id: _said(command.changes) | _said(each.changes) for each in named}
        unit = self._unit(caller, way.route, key, command)
        if first := unit.once():
            return EditedAssets(assets=self._now(named), undo=None), first
        before = self._own(caller, named, verified=way.verified)
        undo = {each: way.before(state, said[each]) for each, state in before.items()}

        def stage(one: Named) -> None:
            unit.change_at(
                one.version,
                asset,
                AssetId(one.id),
                way.change,
                by=AccountId(caller.account_id),
                changes=said[one.id],
            )

        committed = self._commit(unit, caller, named, stage, verified=way.verified)
        now = self._now(named)
        changed = [
            UndoOfOne(id=after.id, version=after.version, changes=undo[after.id])
            for seen, after in zip(named, now, strict=True)
            if after.version != seen.version
        ]
        return EditedAssets(assets=now, undo=Undo(assets=changed) if changed else None), committed

    def _all(
        self,
        unit: Unit,
        caller: Caller,
        named: Sequence[Named],
        decide: Rule[asset.Asset, AssetId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> Committed:
        """Commits the same decision about each; a repeated command is answered as before."""
        if first := unit.once():
            return first
        self._own(caller, named, verified=False)

        def stage(one: Named) -> None:
            unit.change_at(one.version, asset, AssetId(one.id), decide, *args, **said)

        return self._commit(unit, caller, named, stage, verified=False)

    def _now(self, named: Sequence[Named]) -> list[ChangedAsset]:
        return [
            ChangedAsset(id=each.id, version=self._commands.load(asset, each.id).version)
            for each in named
        ]

    def _unit(self, caller: Caller, route: str, key: str | None, command: BaseModel) -> Unit:
        said = command.model_dump(mode="json", exclude_unset=True)
        return self._commands.unit(command_context(caller, route, key), input=said)

    def _commit(
        self,
        unit: Unit,
        caller: Caller,
        named: Sequence[Named],
        stage: Callable[[Named], None],
        *,
        verified: bool,
    ) -> Committed:
        try:
            for one in named:
                stage(one)
            return unit.commit()
        except (VersionConflict, AssetNotReady, AssetInTrash, NotFound) as refusal:
            # Somebody was faster after we looked: look again, to say who lost.
            self._own(caller, named, verified=verified, fresh=True)
            raise refusal

    def _own(
        self, caller: Caller, named: Sequence[Named], *, verified: bool, fresh: bool = False
    ) -> dict[str, asset.Asset]:
        """The states of the caller's own assets. Raises SomeAssetsRefuse (409)."""
        refused: list[dict[str, Any]] = []
        states = {}
        for each in named:
            try:
                stream = self._assets.own(caller, each.id, None if fresh else each.version)
                found = self._commands.load(asset, stream)
                if found.state is None or found.state.state == "deleted":
                    raise NotFound("The asset")
            except (NotFound, RightMissing) as missing:
                refused.append({"id": each.id, "code": missing.code})
                continue
            if found.version != each.version:
                code = "version-mismatch"
                refused.append({"id": each.id, "code": code, "current_version": found.version})
            elif verified and found.state.trash is not None:
                refused.append({"id": each.id, "code": AssetInTrash.code})
            elif verified and found.state.state != "verified":
                refused.append({"id": each.id, "code": AssetNotReady.code})
            states[each.id] = found.state
        if refused and not fresh:
            # Cached states may be of different ages: all are read anew to be told as they are now.
            return self._own(caller, named, verified=verified, fresh=True)
        if refused:
            raise SomeAssetsRefuse(refused)
        return states


def _said(changes: TagChanges | MarkChanges | None) -> dict[str, Any]:
    return changes.model_dump(exclude_unset=True) if changes else {}


def _edited(
    recording: asset.Asset | None, asset_id: AssetId, *, by: AccountId, changes: dict[str, Any]
) -> Decision:
    return asset.edit_tags(recording, asset_id, edited_by=by, changes=changes)


def _marked(
    recording: asset.Asset | None, asset_id: AssetId, *, by: AccountId, changes: dict[str, Any]
) -> Decision:
    return asset.mark(recording, asset_id, marked_by=by, changes=changes)


def _tags_before(recording: asset.Asset, changes: Mapping[str, Any]) -> dict[str, Any]:
    names = {**changes, **asset.with_names(recording, dict(changes))}
    return {name: asset.tag_now(recording, name) for name in names}


def _marks_before(recording: asset.Asset, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(recording.marks, name) for name in changes}


EDITING = Way(EDIT, _edited, _tags_before, verified=True)
MARKING = Way(MARK, _marked, _marks_before, verified=False)


def router(bulk: Bulk, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["assets"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "/api/assets/edits",
        operation_id="editAssets",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def edit_assets(
        command: EditAssets,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> EditedAssets:
        """Edit up to 200 assets, all or none; `undo` in the answer takes it back."""
        edited, committed = bulk.edit(caller, command, key)
        answer(response, committed)
        return edited

    @routes.post(
        "/api/assets/marks",
        operation_id="markAssets",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def mark_assets(
        command: MarkAssets,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> EditedAssets:
        """Give up to 200 assets a status, a rating or a colour, all or none; `undo` in the answer
        takes it back."""
        marked, committed = bulk.mark(caller, command, key)
        answer(response, committed)
        return marked

    @routes.post(
        "/api/assets/trash",
        operation_id="trashAssets",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def trash_assets(
        command: NamedAssets,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAssets:
        """Put up to 200 assets into the trash, all or none."""
        changed, committed = bulk.trash(caller, command, key)
        answer(response, committed)
        return changed

    @routes.post(
        "/api/assets/restore",
        operation_id="restoreAssets",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def restore_assets(
        command: NamedAssets,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAssets:
        """Take up to 200 assets out of the trash, all or none."""
        changed, committed = bulk.restore(caller, command, key)
        answer(response, committed)
        return changed

    @routes.post(
        "/api/assets/deletions",
        status_code=204,
        operation_id="deleteAssets",
        responses=problems(401, 403, 409, 422, 429, 503),
    )
    def delete_assets(
        command: NamedAssets,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Delete up to 200 assets at once, all or none."""
        answer(response, bulk.delete(caller, command, key))

    return routes
