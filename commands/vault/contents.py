"""Deletes what the vault keeps in a workspace, with the account of its owner."""

from __future__ import annotations

from dataclasses import replace
from typing import LiteralString

from aggregates.vault import asset, collection, comment, reanalysis
from commands.leaving import Leaving
from commands.rules import AggregateModule, Arguments, Rule, State, StreamId
from commands.unit import CommandContext, Commands
from commands.vault.direct import MAY_ARRIVE
from commands.vault.staged_uploads import remove_upload
from events.errors import NoCultureError
from events.ids import (
    AssetId,
    CollectionId,
    CommandId,
    CommentId,
    ReanalysisId,
)
from gateways.ports.objects import ObjectStore


class VaultContents:
    """Recordings and what is said of them through their own rules, so that every reader hears of
    it; files and rows after.

    Each method may be run again after a crash at any point.
    """

    def __init__(self, commands: Commands, objects: ObjectStore) -> None:
        self._commands, self._pool, self._objects = commands, commands.pool, objects

    def delete_streams(self, leaving: Leaving) -> None:
        self._end_grants(leaving)
        self._delete_assets(leaving)
        self._delete_words(leaving)

    def _end_grants(self, leaving: Leaving) -> None:
        """End what others shared with the account, each in the workspace that it belongs to. None
        comes any more: a grant needs the address, which the account has given up.
        """
        by_id = f"{leaving.account_id}:"
        held = self._streams(
            "SELECT stream_id FROM claims WHERE kind = %s AND scope = ''"
            " AND key >= %s AND key < %s AND during IS NULL ORDER BY stream_id",
            # A semicolon is the sign behind a colon.
            (asset.SHARED_CLAIM, by_id, by_id.replace(":", ";")),
        )
        for asset_id in map(AssetId, held):
            recording: asset.Asset | None = self._commands.load(asset, asset_id, fresh=True).state
            if recording is not None and recording.right_of(leaving.account_id) is not None:
                self._change(
                    replace(leaving, workspace_id=recording.workspace_id),
                    asset,
                    asset_id,
                    asset.unshare,
                    account_id=leaving.account_id,
                    unshared_by=None,
                )

    def _delete_assets(self, leaving: Leaving) -> None:
        """Delete every recording: a live one holds the claim of its content."""
        while held := self._holding(leaving.workspace_id, asset.CONTENT_CLAIM):
            for asset_id in map(AssetId, held):
                by = leaving.account_id
                self._change(leaving, asset, asset_id, asset.delete, deleted_by=by)

    def _delete_words(self, leaving: Leaving) -> None:
        """Delete comments and collections, which nobody can read once the key is gone; a measuring
        again of the whole vault that is under way is over.
        """
        by = leaving.account_id
        for said in map(CommentId, self._open(leaving.workspace_id, "comment")):
            self._change(leaving, comment, said, comment.delete, deleted_by=by)
        for kept in map(CollectionId, self._open(leaving.workspace_id, "collection")):
            self._change(leaving, collection, kept, collection.delete, deleted_by=by)
        running = self._holding(leaving.workspace_id, reanalysis.ONE_AT_A_TIME.kind)
        for run in map(ReanalysisId, running):
            self._change(leaving, reanalysis, run, reanalysis.cancel, cancelled_by=by)

    def delete_files(self, workspace_id: str) -> int:
        """Delete all blobs and half received uploads; answers how many blobs there were.

        Whoever writes a file this moment is waited for, and nobody begins any more. Uploads whose
        bytes may still come straight to the store are kept, to be waited for. Raises StillClaimed
        (409), StillWriting (503).
        """
        with self._objects.emptying(workspace_id):
            return self._delete_files(workspace_id)

    def _delete_files(self, workspace_id: str) -> int:
        if self._holding(workspace_id, asset.CONTENT_CLAIM):
            raise StillClaimed
        blobs = self._objects.delete_workspace(workspace_id)
        with self._pool.connection() as connection:
            uploads = connection.execute(
                "SELECT upload_id FROM uploads WHERE workspace_id = %s", (workspace_id,)
            ).fetchall()
            for (upload_id,) in uploads:
                remove_upload(self._objects.staging, upload_id)
            connection.execute(
                f"DELETE FROM uploads WHERE workspace_id = %s AND NOT {MAY_ARRIVE}",
                (workspace_id,),
            )
        return blobs

    def delete_rows(self, workspace_id: str, account_id: str) -> None:
        """The rows of uploads go with their files."""

    def arriving(self, workspace_id: str) -> list[str]:
        query = f"SELECT FROM uploads WHERE workspace_id = %s AND {MAY_ARRIVE} LIMIT 1"
        with self._pool.connection() as connection:
            found = connection.execute(query, (workspace_id,)).fetchone()
        return [] if found is None else ["direct uploads"]

    def _change(
        self,
        leaving: Leaving,
        module: AggregateModule[State],
        stream_id: StreamId,
        decide: Rule[State, StreamId, Arguments],
        *args: Arguments.args,
        **said: Arguments.kwargs,
    ) -> None:
        context = CommandContext(
            actor=None,
            tenant=leaving.workspace_id,
            command_id=CommandId.new(),
            correlation_id=leaving.correlation_id,
            causation_id=leaving.causation_id,
        )
        unit = self._commands.unit(context, input={"stream_id": stream_id})
        unit.change(module, stream_id, decide, *args, **said)
        unit.commit()

    def _holding(self, workspace_id: str, claim: str) -> list[str]:
        """Streams that hold a claim of this kind."""
        return self._streams(
            "SELECT DISTINCT stream_id FROM claims WHERE scope = %s AND kind = %s"
            " ORDER BY stream_id",
            (workspace_id, claim),
        )

    def _open(self, workspace_id: str, category: str) -> list[str]:
        """Streams that were not deleted."""
        return self._streams(
            "SELECT stream_id FROM events WHERE category = %s AND tenant = %s"
            " GROUP BY stream_id HAVING NOT bool_or(type = %s) ORDER BY stream_id",
            (category, workspace_id, f"{category}.deleted"),
        )

    def _streams(self, query: LiteralString, values: tuple[str, ...]) -> list[str]:
        with self._pool.connection() as connection:
            return [stream_id for (stream_id,) in connection.execute(query, values)]


class StillClaimed(NoCultureError):
    status, code = 409, "contents-remain"

    def __init__(self) -> None:
        super().__init__("A recording arrived meanwhile: it is deleted before its file")
