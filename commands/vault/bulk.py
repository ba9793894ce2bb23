"""Many recordings at once: edited, put into the trash and taken out of it, or deleted, all together
or not at all, in one append.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator

from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import AssetInTrash, AssetNotReady
from commands.contexts import command_context
from commands.http import answer
from commands.rules import Arguments, Rule
from commands.unit import Commands, Unit
from commands.vault.assets import Assets
from commands.vault.tag_changes import ChangedAsset, TagChanges
from events.access import RightMissing
from events.errors import NoCultureError
from events.ids import AccountId, AssetId
from events.store.pending import Committed, VersionConflict
from kit.auth import Authenticate
from kit.caller import Caller
from kit.idempotency import idempotency_key
from kit.openapi import problems
from schemas.dto import Dto
from schemas.text import Ref

MOST = 200
EDIT, DELETE = "POST /api/assets/edits", "POST /api/assets/deletions"
TRASH, RESTORE = "POST /api/assets/trash", "POST /api/assets/restore"


class Named(BaseModel):
    """An asset, at the version that the caller has seen."""

    model_config = ConfigDict(extra="forbid")

    id: Ref
    version: Annotated[int, Field(ge=1, le=2**53)]


class Edited(Named):
    """`changes` are of this one alone, beside those of all."""

    changes: TagChanges | None = None


class EditAssets(BaseModel):
    """`changes` of all of them: fields that are sent, null takes one back."""

    model_config = ConfigDict(extra="forbid")

    changes: TagChanges | None = None
    assets: Annotated[list[Edited], Field(min_length=1, max_length=MOST)]

    @field_validator("assets")
    @classmethod
    def _each_once(cls, named: list[Edited]) -> list[Edited]:
        return _each_once(named)


class NamedAssets(BaseModel):
    model_config = ConfigDict(extra="forbid")

    assets: Annotated[list[Named], Field(min_length=1, max_length=MOST)]

    @field_validator("assets")
    @classmethod
    def _each_once(cls, named: list[Named]) -> list[Named]:
        return _each_once(named)


AnyNamed = TypeVar("AnyNamed", bound=Named)


class UndoOfOne(Dto):
    id: str
    version: int
    changes: dict[str, Any]


class Undo(Dto):
    """Sent as it is to the same address, everything says again what it said before."""

    assets: list[UndoOfOne]


class ChangedAssets(Dto):
    """With their versions: sent as they are to the opposite address, it is undone."""

    assets: list[ChangedAsset]


class EditedAssets(Dto):
    """`undo` is null in the answer to a repeated request, and where nothing was changed."""

    assets: list[ChangedAsset]
    undo: Undo | None


class SomeAssetsRefuse(NoCultureError):
    """`assets` in the problem names each with its code: not-found, version-mismatch (with the
    current version), asset-not-ready or asset-in-trash.
    """

    status, code = 409, "some-assets-refuse"

    def __init__(self, refused: list[dict[str, Any]]) -> None:
        self.refused = refused
        one = len(refused) == 1
        super().__init__(
            f"{len(refused)} of the tracks {'was' if one else 'were'} changed or deleted since you"
            f" saw {'it' if one else 'them'}, so nothing was done:"
            " look again, then repeat the change"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"assets": self.refused}


class Bulk:
    def __init__(self, commands: Commands, assets: Assets) -> None:
        self._commands, self._assets = commands, assets

    def edit(
        self, caller: Caller, command: EditAssets, key: str | None = None
    ) -> tuple[EditedAssets, Committed]:
        """Raises SomeAssetsRefuse (409): then nothing was changed."""
        said = {each.id: _said(command.changes) | _said(each.changes) for each in command.assets}
        unit = self._unit(caller, EDIT, key, command)
        if first := unit.once():
            return EditedAssets(assets=self._now(command.assets), undo=None), first
        before = self._own(caller, command.assets, verified=True)
        undo = {
            asset_id: {
                name: asset.tag_now(state, name)
                for name in said[asset_id] | asset.with_names(state, said[asset_id])
            }
            for asset_id, state in before.items()
        }

        def stage(one: Named) -> None:
            unit.change_at(
                one.version,
                asset,
                AssetId(one.id),
                asset.edit_tags,
                edited_by=AccountId(caller.account_id),
                changes=said[one.id],
            )

        committed = self._commit(unit, caller, command.assets, stage, verified=True)
        now = self._now(command.assets)
        changed = [
            UndoOfOne(id=after.id, version=after.version, changes=undo[after.id])
            for named, after in zip(command.assets, now, strict=True)
            if after.version != named.version
        ]
        return EditedAssets(assets=now, undo=Undo(assets=changed) if changed else None), committed

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


def _said(changes: TagChanges | None) -> dict[str, Any]:
    return changes.model_dump(exclude_unset=True) if changes else {}


def _each_once(named: list[AnyNamed]) -> list[AnyNamed]:
    if len({each.id for each in named}) < len(named):
        raise ValueError("each asset once")
    return named


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
