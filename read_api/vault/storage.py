"""How many bytes a workspace keeps, and how many its plan allows."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from read_api.errors import ViewNotReady
from read_api.views import Views
from schemas.vault.dto import StorageUsage

# Files that have become assets are counted by the view, what is still arriving by its announcement.
# What is in the trash is kept, so it counts. A view of an earlier version, read until the new one
# is built, has not all of these columns: there the names mean the nulls around it.
_STORED = """
SELECT stored.bytes
FROM (SELECT NULL::bigint AS original_size_bytes, NULL::bigint AS artwork_size_bytes,
        NULL::text AS trashed_in) absent, LATERAL (
    SELECT coalesce(sum(size_bytes + coalesce(original_size_bytes, 0)
        + coalesce(artwork_size_bytes, 0)), 0)::bigint AS bytes
    FROM views.vault WHERE workspace_id = %(workspace)s OR trashed_in = %(workspace)s) stored
"""
_UPLOADING = """
SELECT coalesce(sum(size_bytes), 0)::bigint AS bytes FROM uploads
WHERE workspace_id = %(workspace)s AND asset_id IS NULL AND expires_at > now()
"""


class StorageQueries:
    """`plans` maps the name of a plan to its bytes, 0 for no limit; everybody has `plan`."""

    def __init__(self, pool: ConnectionPool, plans: dict[str, int], plan: str) -> None:
        self._views, self._plan = Views(pool), plan
        self._limit_bytes = plans.get(plan) or None

    def usage(self, workspace_id: str) -> StorageUsage:
        try:
            used_bytes = self._sum(_STORED, workspace_id)
        except ViewNotReady:  # a new installation takes uploads before its first view is built
            used_bytes = 0
        uploading_bytes = self._sum(_UPLOADING, workspace_id)
        left_bytes = None
        if self._limit_bytes is not None:
            left_bytes = max(0, self._limit_bytes - used_bytes - uploading_bytes)
        return StorageUsage(
            plan=self._plan,
            used_bytes=used_bytes,
            uploading_bytes=uploading_bytes,
            limit_bytes=self._limit_bytes,
            left_bytes=left_bytes,
        )

    def _sum(self, statement: str, workspace_id: str) -> int:
        row = self._views.row(statement, {"workspace": workspace_id})
        return int(row["bytes"]) if row else 0
