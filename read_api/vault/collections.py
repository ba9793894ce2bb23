"""The collections of a workspace, with what they hold right now."""

from __future__ import annotations

import json

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.paging import Cursors, shown
from read_api.errors import NotVisible
from read_api.revealing import Reveal, as_stored
from read_api.vault.assets import AssetQueries
from read_api.vault.search.saved import InvalidQuery, filters_of
from read_api.views import Row, Views
from schemas.dto import Page
from schemas.vault.found import CollectionDto

_OF_WORKSPACE = """
SELECT * FROM views.collections
WHERE workspace_id = %(workspace)s AND collection_id > %(after)s
ORDER BY collection_id LIMIT %(rows)s
"""
_ONE = (
    "SELECT * FROM views.collections"
    " WHERE collection_id = %(collection)s AND workspace_id = %(workspace)s"
)
_STILL_THERE = """
SELECT count(*) AS assets FROM views.vault
WHERE workspace_id = %(workspace)s
    AND asset_id IN (SELECT jsonb_array_elements_text(%(assets)s::jsonb))
"""


class CollectionQueries:
    def __init__(
        self,
        pool: ConnectionPool,
        assets: AssetQueries,
        cursors: Cursors,
        reveal: Reveal = as_stored,
    ) -> None:
        self._views, self._assets, self._cursors = Views(pool), assets, cursors
        self._reveal = reveal

    def list(
        self, caller: Caller, *, limit: int = 50, cursor: str | None = None
    ) -> Page[CollectionDto]:
        """Oldest first, each counted. Raises InvalidCursor (422)."""
        asked = ["collections", caller.workspace_id]
        (after,) = self._cursors.open(cursor, asked) or ("",)
        rows = self._views.rows(
            _OF_WORKSPACE,
            {"workspace": caller.workspace_id, "after": after, "rows": limit + 1},
        )
        page = self._cursors.page(rows, limit, lambda row: (row["collection_id"],), asked)
        return shown(page, lambda row: self._collection(caller, row))

    def get(self, caller: Caller, collection_id: str) -> CollectionDto:
        """Raises NotVisible (404)."""
        asked = {"collection": collection_id, "workspace": caller.workspace_id}
        row = self._views.row(_ONE, asked)
        if row is None:
            raise NotVisible("The collection")
        return self._collection(caller, row)

    def _collection(self, caller: Caller, row: Row) -> CollectionDto:
        where = (row["said_event"], row["collection_id"], row["workspace_id"])
        said = self._reveal(*where, json.loads(row["said"]))
        name, query = (
            said[each] if isinstance(said.get(each), str) else None for each in ("name", "query")
        )
        return CollectionDto(
            id=row["collection_id"],
            version=row["version"],
            kind=row["kind"],
            name=name,
            query=query,
            assets=row["assets"],
            count=self._count(caller, row, query),
            created_at=row["created_at"],
            changed_at=row["changed_at"],
        )

    def _count(self, caller: Caller, row: Row, query: str | None) -> int:
        if row["kind"] == "manual":
            asked = {"workspace": caller.workspace_id, "assets": json.dumps(row["assets"])}
            found = self._views.row(_STILL_THERE, asked)
            return int(found["assets"]) if found else 0
        if query is None:
            return 0
        try:
            return self._assets.count(caller, filters_of(query))
        except InvalidQuery:
            # Kept by a version with other parameters: it can be changed, not counted.
            return 0
