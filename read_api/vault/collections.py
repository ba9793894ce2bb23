"""The collections of a workspace, with what they hold right now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

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

Kind = Literal["smart", "manual"]
_OF_WORKSPACE = """
SELECT * FROM views.collections
WHERE workspace_id = %(workspace)s AND collection_id > %(after)s
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY collection_id LIMIT %(rows)s
"""
_ONE = (
    "SELECT * FROM views.collections"
    " WHERE collection_id = %(collection)s AND workspace_id = %(workspace)s"
)
# What is still in the vault, for all collections of a page at once. Pictures are looked for among
# the first recordings only, for an album's have one in common, and in the one that was chosen; a
# view of an earlier version knows of none.
_HELD = """
SELECT collection_id, count(*) AS assets, coalesce(sum(duration_s), 0) AS duration_s,
    array_agg(vault.asset_id ORDER BY place) FILTER (WHERE pictured) AS pictured,
    array_agg(cover_sha256 ORDER BY place) FILTER (WHERE pictured) AS pictures
FROM views.collections
    CROSS JOIN LATERAL jsonb_array_elements_text(assets) WITH ORDINALITY AS held(asset_id, place)
    JOIN views.vault ON vault.asset_id = held.asset_id
        AND vault.workspace_id = collections.workspace_id
    CROSS JOIN LATERAL (SELECT cover_sha256 IS NOT NULL AND (place <= %(first)s
        OR held.asset_id = to_jsonb(collections) ->> 'cover') AS pictured) AS seen
WHERE collections.workspace_id = %(workspace)s AND collection_id = ANY(%(collections)s)
GROUP BY collection_id
"""
FIRST, COVERS = 24, 4
_NOTHING: Row = {"assets": 0, "duration_s": 0.0, "pictured": None, "pictures": None}


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
        self,
        caller: Caller,
        *,
        limit: int = 50,
        cursor: str | None = None,
        kind: Kind | None = None,
    ) -> Page[CollectionDto]:
        """Oldest first, each counted. Raises InvalidCursor (422)."""
        asked = ["collections", caller.workspace_id, kind]
        (after,) = self._cursors.open(cursor, asked) or ("",)
        rows = self._views.rows(
            _OF_WORKSPACE,
            {
                "workspace": caller.workspace_id,
                "after": after,
                "kind": kind,
                "rows": limit + 1,
            },
        )
        page = self._cursors.page(rows, limit, lambda row: (row["collection_id"],), asked)
        held = self._held(caller, page.data)
        return shown(page, lambda row: self._collection(caller, row, held))

    def get(self, caller: Caller, collection_id: str) -> CollectionDto:
        """Raises NotVisible (404)."""
        asked = {"collection": collection_id, "workspace": caller.workspace_id}
        row = self._views.row(_ONE, asked)
        if row is None:
            raise NotVisible("The collection")
        return self._collection(caller, row, self._held(caller, [row]))

    def _held(self, caller: Caller, rows: Sequence[Row]) -> Mapping[str, Row]:
        """Counts what collections made by hand hold now, by their ids."""
        manual = [row["collection_id"] for row in rows if row["kind"] == "manual"]
        if not manual:
            return {}
        asked = {"workspace": caller.workspace_id, "collections": manual, "first": FIRST}
        return {row["collection_id"]: row for row in self._views.rows(_HELD, asked)}

    def _collection(self, caller: Caller, row: Row, held: Mapping[str, Row]) -> CollectionDto:
        where = (row["said_event"], row["collection_id"], row["workspace_id"])
        said = self._reveal(*where, json.loads(row["said"]))
        name, query = (
            said[each] if isinstance(said.get(each), str) else None for each in ("name", "query")
        )
        if row["kind"] == "manual":
            found = _found(held.get(row["collection_id"], _NOTHING), row.get("cover"))
        else:
            found = {"count": self._count(caller, query)}
        return CollectionDto(
            id=row["collection_id"],
            version=row["version"],
            kind=row["kind"],
            name=name,
            query=query,
            assets=row["assets"],
            created_at=row["created_at"],
            changed_at=row["changed_at"],
            **found,
        )

    def _count(self, caller: Caller, query: str | None) -> int:
        if query is None:
            return 0
        try:
            return self._assets.count(caller, filters_of(query))
        except InvalidQuery:
            # Kept by a version with other parameters: it can be changed, not counted.
            return 0


def _found(held: Row, chosen: str | None) -> dict[str, Any]:
    first_with: dict[str, str] = {}
    for asset_id, picture in zip(held["pictured"] or (), held["pictures"] or (), strict=True):
        first_with.setdefault(picture, asset_id)
    is_shown = chosen is not None and chosen in (held["pictured"] or ())
    return {
        "count": held["assets"],
        "duration_s": held["duration_s"],
        "cover": chosen,
        "covers": [chosen] if is_shown else [*first_with.values()][:COVERS],
    }
