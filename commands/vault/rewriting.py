"""Tags written back into a file: a new version of it, said in an event; the original stays."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Response

from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import AssetInTrash, AssetNotReady
from commands.contexts import command_context
from commands.http import answer
from commands.owned import as_seen
from commands.unit import Commands
from commands.vault.assets import Assets
from commands.vault.quota import Quota
from events.ids import AccountId, AssetId
from events.store.pending import Committed, VersionConflict
from events.store.subject_keys import SubjectGone
from events.vault.asset import AssetFileRewritten
from events.vault.audio import Tags
from gateways.ports.audio import AudioTools
from gateways.ports.objects import ObjectStore
from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import PreconditionFailed, if_match
from kit.idempotency import idempotency_key
from kit.openapi import problems
from kit.threads import in_thread
from schemas.text import Ref
from schemas.vault.dto import RewrittenFile

REWRITE = "POST /api/assets/{id}/file"


@dataclass(frozen=True, slots=True)
class _NewFile:
    """`tags` are what it says, `left_out` names what its format has no place for."""

    sha256: str
    size_bytes: int
    tags: Tags
    left_out: tuple[str, ...]


class Rewriting:
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

    def rewrite(
        self, caller: Caller, asset_id: str, expected_version: int | None, key: str | None = None
    ) -> tuple[RewrittenFile, Committed | None]:
        """Write what the musician says, and the file does not, into a new version of the file.

        Nothing is committed where the file says it all. Raises NotFound (404), AssetNotReady,
        AssetInTrash and ClaimTaken (409), PreconditionFailed (412), QuotaExceeded (413), and
        AudioError.
        """
        stream = self._assets.own(caller, asset_id, expected_version)
        unit = self._commands.unit(
            command_context(caller, REWRITE, key),
            input={"asset_id": stream, "expected": expected_version},
        )
        if first := unit.once():
            return self._first_answer(first), first
        found = self._commands.load(asset, stream)
        if expected_version is not None and found.version != expected_version:
            raise PreconditionFailed(found.version)
        if found.state.trash is not None:
            raise AssetInTrash
        if found.state.state != "verified":
            raise AssetNotReady(found.state.state)
        changes = asset.tags_to_write(found.state)
        if not changes:
            return _answer(stream, found.version, found.state.sha256, (), ()), None
        made = self._write(caller, found.state, changes)
        written = tuple(name for name in changes if name not in made.left_out)
        self._assets.look_at_key(caller)
        with as_seen(expected_version):
            try:
                unit.change_at(
                    found.version,
                    asset,
                    stream,
                    asset.rewrite_file,
                    rewritten_by=AccountId(caller.account_id),
                    sha256=made.sha256,
                    size_bytes=made.size_bytes,
                    written=written,
                    left_out=made.left_out,
                    tags=made.tags,
                )
                committed = unit.commit()
            except (NotFound, SubjectGone, VersionConflict):
                self._assets.forget_if_erased(caller)
                raise
        version = committed.stream_version
        return _answer(stream, version, made.sha256, written, made.left_out), committed

    def _first_answer(self, first: Committed) -> RewrittenFile:
        """Answers a repeated request as at first, whatever the file says by now."""
        version = first.stream_version
        (envelope,) = self._commands.log.events.stream(
            first.stream_id, after_version=version - 1, up_to_version=version
        )
        recorded = self._commands.codec.decode(envelope)
        assert recorded is not None
        assert isinstance(recorded.data, AssetFileRewritten)
        said = recorded.data
        return _answer(said.asset_id, version, said.sha256, said.written, said.left_out)

    def _write(self, caller: Caller, state: asset.Asset, changes: dict[str, object]) -> _NewFile:
        """The new file in the object store: before the event, so that no event names a missing
        one.
        """
        self._quota.check(caller.workspace_id, state.size_bytes)
        with (
            self._objects.local_copy(caller.workspace_id, state.sha256) as path,
            self._assets.staging.receive(caller.workspace_id) as receiving,
        ):
            made = self._tools.rewrite(path, changes, lambda chunk: receiving.write([chunk]))
            staged = receiving.finish()
            self._objects.put_file(caller.workspace_id, staged.sha256, staged.path)
        return _NewFile(
            staged.sha256,
            staged.size_bytes,
            Tags.model_validate(made.tags.model_dump()),
            tuple(made.left_out),
        )


def _answer(
    asset_id: AssetId,
    version: int,
    sha256: str,
    written: tuple[str, ...],
    left_out: tuple[str, ...],
) -> RewrittenFile:
    return RewrittenFile(
        id=asset_id,
        version=version,
        sha256=sha256,
        written=list(written),
        left_out=list(left_out),
    )


def router(rewriting: Rewriting, authenticated: Authenticate) -> APIRouter:
    routes = APIRouter(tags=["assets"])
    writer = Depends(authenticated("assets:write"))

    @routes.post(
        "/api/assets/{asset_id}/file",
        operation_id="rewriteAssetFile",
        responses=problems(401, 403, 404, 409, 412, 413, 422, 428, 429, 503, 504),
    )
    async def rewrite_asset_file(
        asset_id: Ref,
        response: Response,
        expected_version: int | None = Depends(if_match),
        caller: Caller = writer,
        key: str | None = Depends(idempotency_key),
    ) -> RewrittenFile:
        """Write the edited tags into a new version of the file; the original stays."""
        said, committed = await in_thread(
            rewriting.rewrite, caller, asset_id, expected_version, key
        )
        if committed is not None:
            answer(response, committed, with_etag=True)
        return said

    return routes
