"""A picture that somebody chooses for a recording: sent, made anew, kept; removed and undone."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from aggregates.vault import asset
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen
from commands.rules import Arguments, Rule
from commands.unit import Commands, Unit
from commands.vault.assets import Assets
from commands.vault.quota import Quota
from commands.vault.staging import FileTooLarge, Receiving, StagedFile, Staging
from commands.vault.tag_changes import ChangedAsset
from events.errors import NoCultureError
from events.ids import AccountId, AssetId
from events.store.pending import Committed
from events.vault.audio import Blob
from gateways.ports.audio import AudioTools
from gateways.ports.objects import ObjectStore
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from kit.threads import in_thread
from schemas.text import Ref

MAX_PICTURE_BYTES = 20 * 1024 * 1024
ROUTE = "/api/assets/{id}/artwork"
_MADE = "image/jpeg"


class PictureTooLarge(NoCultureError):
    status, code = 413, "picture-too-large"

    def __init__(self) -> None:
        most = MAX_PICTURE_BYTES // 1024**2
        super().__init__(f"This picture has more than {most} MB: save it smaller")


class Artworks:
    """`tools` decode what is sent, in limited child processes: only what they make is kept."""

    def __init__(
        self,
        commands: Commands,
        assets: Assets,
        objects: ObjectStore,
        tools: AudioTools,
        quota: Quota,
    ) -> None:
        self._commands, self._assets, self._objects = commands, assets, objects
        self._tools, self._quota = tools, quota
        self._staging = Staging(objects, MAX_PICTURE_BYTES)
        self.turns = assets.turns

    def receive(self, caller: Caller) -> Receiving:
        """Where the bytes gather. Raises SubjectGone (410)."""
        return self._staging.receive(caller.workspace_id)

    def set(
        self,
        caller: Caller,
        asset_id: str,
        staged: StagedFile,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Raises NotFound (404), RightMissing (403), AssetInTrash (409), PreconditionFailed (412),
        QuotaExceeded (413), and AudioError, as for what is no picture (422).
        """
        stream, unit = self._unit(
            caller, f"PUT {ROUTE}", asset_id, expected_version, key, sha256=staged.sha256
        )
        if first := unit.once():
            return first
        made = self._tools.picture(staged.path)
        self._quota.check(caller.workspace_id, len(made.data) + len(made.small))
        # An erasure waits until both are there and said, or begins before.
        with self._objects.writing(caller.workspace_id):
            artwork = asset.Artwork(
                self._kept(caller, made.data),
                self._kept(caller, made.small),
                made.width,
                made.height,
            )
            by = AccountId(caller.account_id)
            return _change(
                unit, stream, expected_version, asset.set_artwork, set_by=by, artwork=artwork
            )

    def remove(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises NotFound (404), RightMissing (403), AssetInTrash (409), a 412 as `set` does."""
        stream, unit = self._unit(caller, f"DELETE {ROUTE}", asset_id, expected_version, key)
        by = AccountId(caller.account_id)
        return _change(unit, stream, expected_version, asset.remove_artwork, removed_by=by)

    def undo(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """Raises what `remove` raises."""
        stream, unit = self._unit(caller, f"POST {ROUTE}/undo", asset_id, expected_version, key)
        by = AccountId(caller.account_id)
        return _change(unit, stream, expected_version, asset.undo_artwork, undone_by=by)

    def _unit(
        self,
        caller: Caller,
        route: str,
        asset_id: str,
        expected_version: int | None,
        key: str | None,
        **more: Any,
    ) -> tuple[AssetId, Unit]:
        stream = self._assets.own(caller, asset_id, expected_version)
        said = {"asset_id": stream, "expected": expected_version, **more}
        return stream, self._commands.unit(command_context(caller, route, key), input=said)

    def _kept(self, caller: Caller, data: bytes) -> Blob:
        sha256 = hashlib.sha256(data).hexdigest()
        self._objects.put_bytes(caller.workspace_id, sha256, data)
        return Blob(sha256=sha256, size_bytes=len(data), media_type=_MADE)


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


async def receive_picture(pieces: AsyncIterable[bytes], receiving: Receiving) -> StagedFile:
    """Raises PictureTooLarge (413), EmptyFile (422)."""
    try:
        async for piece in pieces:
            if piece:
                await in_thread(receiving.write, [piece])
    except FileTooLarge as error:
        raise PictureTooLarge from error
    return await in_thread(receiving.finish)


def router(artworks: Artworks, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(prefix="/api/assets/{asset_id}/artwork", tags=["assets"])
    writer = Depends(authenticated("assets:write"))
    changing = problems(401, 403, 404, 409, 412, 422, 428, 429, 503)

    @routes.put(
        "",
        operation_id="setAssetArtwork",
        responses=problems(401, 403, 404, 409, 412, 413, 422, 428, 429, 503, 504),
        openapi_extra={"requestBody": _PICTURE},
    )
    async def set_artwork(
        asset_id: Ref,
        request: Request,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Let a JPEG, PNG or WebP picture stand for it, of up to 20 MB and 6,000 × 6,000 points.

        It is made anew with at most 1,500 points a side, without place, camera and date.
        """
        with await in_thread(artworks.receive, caller) as receiving:
            staged = await receive_picture(request.stream(), receiving)
            committed = await artworks.turns.run(
                caller.account_id, artworks.set, caller, asset_id, staged, expected_version, key
            )
        return _told(response, asset_id, committed)

    @routes.delete("", operation_id="removeAssetArtwork", responses=changing)
    def remove_artwork(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Go back to the picture that the file carries, or to none."""
        return _told(response, asset_id, artworks.remove(caller, asset_id, expected_version, key))

    @routes.post("/undo", operation_id="undoAssetArtwork", responses=changing)
    def undo_artwork(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Take back the newest change of its picture; a second time makes it again."""
        return _told(response, asset_id, artworks.undo(caller, asset_id, expected_version, key))

    return routes


def _told(response: Response, asset_id: str, committed: Committed) -> ChangedAsset:
    answer(response, committed, with_etag=True)
    return ChangedAsset(id=asset_id, version=committed.stream_version)


_PICTURE = {
    "required": True,
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("image/jpeg", "image/png", "image/webp")
    },
}
