"""Everything a workspace holds, to be deleted with the account of its owner."""

from __future__ import annotations

from aggregates import asset
from commands.resumable import remove_upload
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.ids import AccountId, AssetId, CommandId
from gateways.ports import ObjectStore
from kit.limits import FORGET_SPENT


class WorkspaceContents:
    """Recordings through their own rules, so that every reader hears of it; files and rows after.

    Each method may be run again after a crash at any point.
    """

    def __init__(self, commands: Commands, objects: ObjectStore) -> None:
        self._commands, self._pool, self._objects = commands, commands.pool, objects

    def delete_assets(
        self, workspace_id: str, account_id: str, correlation_id: str, causation_id: str
    ) -> int:
        """Delete every recording; answers how many. A live one holds the claim of its content."""
        deleted = 0
        while held := self._assets(workspace_id):
            for asset_id in held:
                context = CommandContext(
                    actor=None,
                    tenant=workspace_id,
                    command_id=CommandId.new(),
                    correlation_id=correlation_id,
                    causation_id=causation_id,
                )
                unit = self._commands.unit(context, input={"asset_id": asset_id})
                unit.change(
                    asset,
                    asset_id,
                    asset.delete,
                    asset_id=AssetId(asset_id),
                    deleted_by=AccountId(account_id),
                )
                unit.commit()
                deleted += 1
        return deleted

    def delete_files(self, workspace_id: str) -> int:
        """Delete all blobs and half received uploads; answers how many blobs there were."""
        if self._assets(workspace_id):
            raise StillClaimed
        blobs = self._objects.delete_workspace(workspace_id)
        with self._pool.connection() as connection:
            uploads = connection.execute(
                "SELECT upload_id FROM uploads WHERE workspace_id = %s", (workspace_id,)
            ).fetchall()
            for (upload_id,) in uploads:
                remove_upload(self._objects.staging, upload_id)
            connection.execute("DELETE FROM uploads WHERE workspace_id = %s", (workspace_id,))
        return blobs

    def delete_leftovers(self, workspace_id: str, account_id: str) -> None:
        """Copies of what streams said of the person, and counters that anybody's secret is in."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM snapshots WHERE tenant = %s OR subject = %s",
                (workspace_id, account_id),
            )
            # Their errors may quote what they could not digest.
            connection.execute(
                "DELETE FROM dead_letters d USING events e WHERE e.position = d.position"
                " AND e.tenant = %s AND d.state = 'replayed'",
                (workspace_id,),
            )
            connection.execute(FORGET_SPENT)

    def _assets(self, workspace_id: str) -> list[str]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT DISTINCT stream_id FROM claims WHERE scope = %s AND kind = %s"
                " ORDER BY stream_id",
                (workspace_id, asset.CONTENT_CLAIM),
            ).fetchall()
        return [stream_id for (stream_id,) in rows]


class StillClaimed(NoCultureError):
    status, code = 409, "contents-remain"

    def __init__(self) -> None:
        super().__init__("A recording arrived meanwhile: it is deleted before its file")
