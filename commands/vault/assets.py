"""Recordings in the vault: upload, edit tags, delete."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregates.errors import NotFound
from aggregates.vault import analysis, asset
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen, known
from commands.unit import CommandContext, Commands
from commands.vault.multipart import MAX_REST_BYTES, receive_file
from commands.vault.quota import Quota
from commands.vault.sharing import reach, while_shared
from commands.vault.staging import StagedFile, Staging, clean_filename, clean_path
from commands.vault.tag_changes import ChangedAsset, TagChanges
from events.access import OWN
from events.ids import AccountId, AnalysisId, AssetId, WorkspaceId
from events.store.pending import ClaimTaken, Committed, StoreBusy
from events.store.subject_keys import SubjectGone
from gateways.ports.objects import ObjectStore
from kit.auth import Authenticate
from kit.body import announced_bytes
from kit.caller import Caller
from kit.conditions import if_match
from kit.fair import FairQueue
from kit.idempotency import idempotency_key
from kit.openapi import header, problems
from kit.threads import in_thread
from schemas.text import Ref
from schemas.vault.dto import AssetState, UploadedAsset

UPLOAD = "POST /api/assets"
MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to an upload; `committed` is None for a duplicate, which changes nothing.
    `restored` is what was in the trash until now.

    `position` is the one at which readers see the asset as `answer` says.
    """

    answer: UploadedAsset
    position: int
    committed: Committed | None = None
    restored: bool = False

    @property
    def status(self) -> int:
        """200 where the asset was there before, 202 where checking and measuring follow."""
        return 200 if self.answer.duplicate or self.restored else 202


class Assets:
    def __init__(
        self,
        commands: Commands,
        store: ObjectStore,
        staging: Staging,
        quota: Quota | None = None,
        turns: FairQueue | None = None,
        *,
        is_erased: Callable[[str], bool],
    ) -> None:
        """`turns` are those at checking and moving files. `is_erased` says it of an account, from
        the store.
        """
        self._is_erased = is_erased
        self._commands, self.objects, self.staging = commands, store, staging
        self.quota, self.turns = quota or Quota(), turns or FairQueue(8)

    def upload(
        self,
        caller: Caller,
        filename: str,
        pieces: Iterable[bytes],
        key: str | None = None,
        path: str | None = None,
    ) -> Kept:
        """Keep a new recording; the same bytes again give the asset that holds them, taken out of
        the trash if it is there.

        `path` is where the file lay in the folder that was chosen.

        Raises FileTooLarge and QuotaExceeded (413), EmptyFile (422).
        """
        with self.staging.receive(caller.workspace_id) as receiving:
            receiving.write(pieces)
            staged = receiving.finish()
            self.quota.check(caller.workspace_id, staged.size_bytes)
            return self.keep(caller, filename, staged, command_context(caller, UPLOAD, key), path)

    def keep(
        self,
        caller: Caller,
        filename: str,
        staged: StagedFile,
        context: CommandContext,
        path: str | None = None,
    ) -> Kept:
        """Move a whole file into the object store, then say so in the log.

        In this order: a crash between leaves a blob nobody names, never an asset without bytes.
        Both or neither come before an erasure. Raises SubjectGone (410).
        """
        with self.objects.writing(caller.workspace_id):
            self.objects.put_file(caller.workspace_id, staged.sha256, staged.path)
            return self._record(caller, filename, staged.sha256, staged.size_bytes, context, path)

    def record(
        self,
        caller: Caller,
        filename: str,
        sha256: str,
        size_bytes: int,
        context: CommandContext,
        path: str | None = None,
    ) -> Kept:
        """Append the upload of a blob that is in the object store. Raises SubjectGone (410)."""
        with self.objects.writing(caller.workspace_id):
            return self._record(caller, filename, sha256, size_bytes, context, path)

    def _record(
        self,
        caller: Caller,
        filename: str,
        sha256: str,
        size_bytes: int,
        context: CommandContext,
        path: str | None,
    ) -> Kept:
        name, lay_at = clean_filename(filename), clean_path(path)
        said: dict[str, object] = {"filename": name, "sha256": sha256, "size_bytes": size_bytes}
        if lay_at is not None:  # left out, so that what was sent before there were paths replays
            said["path"] = lay_at
        self.look_at_key(caller)
        for _ in range(MAX_TRIES):
            asset_id = AssetId.new()
            unit = self._commands.unit(context, input=said)
            unit.start(
                asset,
                asset_id,
                asset.upload,
                workspace_id=WorkspaceId(caller.workspace_id),
                uploaded_by=AccountId(caller.account_id),
                filename=name,
                sha256=sha256,
                size_bytes=size_bytes,
                path=lay_at,
            )
            try:
                committed = unit.commit()
            except ClaimTaken as taken:
                kept = self._already_there(caller, AssetId(taken.holder), context, said)
                if kept is None:
                    continue
                return kept
            except SubjectGone:
                # The account was erased while its file arrived: nothing of it may stay.
                self.objects.delete_workspace(caller.workspace_id)
                raise
            return self._uploaded(committed)
        raise StoreBusy

    def _already_there(
        self, caller: Caller, holder: AssetId, context: CommandContext, said: dict[str, object]
    ) -> Kept | None:
        """The asset that holds the same bytes, out of the trash. None for one that was deleted
        since: then the content is free again.
        """
        state, position = self._state(holder)
        if state is None:
            return None
        if self._commands.load(asset, holder).state.trash is None:
            return Kept(UploadedAsset(id=holder, state=state, duplicate=True), position)
        # The same command as the upload: sent again, it is answered with this asset.
        unit = self._commands.unit(context, input=said)
        by = AccountId(caller.account_id)
        try:
            unit.change(asset, holder, asset.restore, restored_by=by)
            committed = unit.commit()
        except NotFound:
            return None
        answer = UploadedAsset(id=holder, state=state)
        return Kept(answer, max(position, committed.position), committed, restored=True)

    def look_at_key(self, caller: Caller) -> None:
        """Drops the cached key: it may outlive an erased account by a second, and a file kept in
        that second would escape the certificate.
        """
        self._commands.codec.keys.forget(caller.account_id)

    def forget_if_erased(self, caller: Caller) -> None:
        """Nothing may stay of an account that was erased while a file of it was made."""
        if self._is_erased(caller.account_id):
            self.objects.delete_workspace(caller.workspace_id)

    def edit_tags(
        self,
        caller: Caller,
        asset_id: str,
        changes: TagChanges,
        expected_version: int | None,
        key: str | None = None,
    ) -> Committed:
        """Also by whoever it is shared with for that. Raises NotFound (404), RightMissing (403),
        AssetNotReady, AssetInTrash (409), PreconditionFailed (412).
        """
        said = changes.model_dump(exclude_unset=True)
        stream, recording = self._reached(caller, asset_id, expected_version, "edit")
        unit = self._commands.unit(
            command_context(caller, "PATCH /api/assets/{id}", key),
            input={"asset_id": stream, "expected": expected_version, "changes": said},
        )
        unit.belongs_to(recording.workspace_id)
        while_shared(unit, caller, stream, recording)
        by = AccountId(caller.account_id)
        with as_seen(expected_version):
            unit.change_at(
                expected_version, asset, stream, asset.edit_tags, edited_by=by, changes=said
            )
            return unit.commit()

    def delete(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> Committed:
        """At once, from the trash too. Raises NotFound (404), PreconditionFailed (412)."""
        stream = self.own(caller, asset_id, expected_version)
        unit = self._commands.unit(
            command_context(caller, "DELETE /api/assets/{id}", key),
            input={"asset_id": stream, "expected": expected_version},
        )
        by = AccountId(caller.account_id)
        with as_seen(expected_version):
            unit.change_at(expected_version, asset, stream, asset.delete, deleted_by=by)
            return unit.commit()

    def own(self, caller: Caller, asset_id: str, expected_version: int | None) -> AssetId:
        """Before anything else is said of an asset: other workspaces' ones do not exist, and those
        that are shared with the caller are not theirs (403).
        """
        return self._reached(caller, asset_id, expected_version, OWN)[0]

    def _reached(
        self, caller: Caller, asset_id: str, expected_version: int | None, wanted: str
    ) -> tuple[AssetId, asset.Asset]:
        stream = known(AssetId, asset_id, "The asset")
        # Workers verify and reject too, so the state is read anew; not at the version that the
        # caller names, for the append checks it.
        found = self._commands.load(asset, stream)
        if expected_version is None or found.version != expected_version:
            found = self._commands.load(asset, stream, fresh=True)
        return stream, reach(caller, found.state, wanted)

    def _uploaded(self, committed: Committed) -> Kept:
        state: AssetState | None = "uploaded"
        if committed.replayed:
            state, _ = self._state(AssetId(committed.stream_id))
        # A replay of an upload that was deleted since still gets its first answer.
        found = UploadedAsset(id=committed.stream_id, state=state or "uploaded")
        # An upload is the first event of its stream; any other took its asset out of the trash.
        restored = committed.stream_version > 1
        return Kept(found, committed.position, committed, restored)

    def _state(self, asset_id: AssetId) -> tuple[AssetState | None, int]:
        """(state, None for a deleted one; last position), read anew: workers write there too."""
        of_asset = self._commands.load(asset, asset_id, fresh=True)
        analysis_id = AnalysisId.beside(asset_id)
        of_analysis = self._commands.load(analysis, analysis_id, fresh=True)
        position = max(of_asset.position, of_analysis.position)
        match of_asset.state, of_analysis.state:
            case None | asset.Asset(state="deleted"), _:
                return None, position
            case asset.Asset(state="verified"), analysis.Analysis(state="completed"):
                return "analysed", position
            case asset.Asset(state="verified"), analysis.Analysis(state="failed"):
                return "analysis_failed", position
            case found, _:
                state: AssetState = found.state
                return state, position


def router(assets: Assets, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["assets"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "/api/assets",
        status_code=202,
        operation_id="uploadAsset",
        responses={
            200: {
                "model": UploadedAsset,
                "description": "These bytes are already there, or were in the trash.",
                "headers": {"NoCulture-Restored": header("`true` for what was in the trash")},
            },
            **problems(401, 403, 413, 415, 422, 429, 503),
        },
        openapi_extra={"requestBody": _MULTIPART},
    )
    async def upload_asset(
        request: Request,
        response: Response,
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> UploadedAsset:
        """Upload one audio file as the part `file`; verifying and analysing follow.

        The part `path` may say where it lay in a folder: `Song A/Kick.wav`.
        """
        at_least = max(0, announced_bytes(request) - MAX_REST_BYTES)
        check, workspace_id = assets.quota.check, caller.workspace_id
        await in_thread(check, workspace_id, min(at_least, assets.staging.max_bytes))
        with await in_thread(assets.staging.receive, workspace_id) as receiving:
            sent = await receive_file(request, receiving, assets.staging.max_bytes)
            staged = await run_in_threadpool(receiving.finish)
            await in_thread(check, workspace_id, staged.size_bytes)
            context = command_context(caller, UPLOAD, key)
            name = sent.filename or ""
            kept = await assets.turns.run(
                caller.account_id, assets.keep, caller, name, staged, context, sent.path
            )
        answer_kept(response, kept)
        return kept.answer

    @routes.patch(
        "/api/assets/{asset_id}",
        operation_id="editAssetTags",
        responses=problems(401, 403, 404, 409, 412, 422, 428, 429, 503),
    )
    async def edit_asset_tags(
        asset_id: Ref,
        changes: TagChanges,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> ChangedAsset:
        """Override what the file says of itself."""
        # One thread for all: FastAPI would run a sync handler in one and its answer in another.
        committed = await in_thread(
            assets.edit_tags, caller, asset_id, changes, expected_version, key
        )
        answer(response, committed, with_etag=True)
        return ChangedAsset(id=asset_id, version=committed.stream_version)

    @routes.delete(
        "/api/assets/{asset_id}",
        status_code=204,
        operation_id="deleteAsset",
        responses=problems(401, 403, 404, 412, 428, 429, 503),
    )
    def delete_asset(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> None:
        """Remove a recording at once; the same bytes may be uploaded again as a new asset."""
        answer(response, assets.delete(caller, asset_id, expected_version, key))

    return routes


def answer_kept(response: Response, kept: Kept) -> None:
    """Status and headers of a finished upload, by form or straight to the store."""
    response.status_code = kept.status
    committed = kept.committed or Committed(kept.answer.id, 0, kept.position)
    answer(response, committed)
    response.headers["Location"] = f"/api/assets/{kept.answer.id}"
    if kept.restored:
        response.headers["NoCulture-Restored"] = "true"


_MULTIPART = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "path": {"type": "string"},
                },
            }
        }
    },
}
