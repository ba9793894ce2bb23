"""The trash of a workspace: rows of the view that no other query sees."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.paging import Cursors
from read_api.vault.asset_rows import asset_of
from read_api.views import Row, Views
from schemas.vault.found import AssetPage, FoundAsset

# A view of an earlier version, read until the new one is built, has none of these columns: there
# the names mean the nulls around it, and nothing is in the trash.
_ABSENT = "(SELECT NULL::text AS trashed_in, NULL::timestamptz AS trashed_at) absent"
_PAGE = f"""
SELECT trash.* FROM {_ABSENT}, LATERAL (
    SELECT * FROM views.vault WHERE trashed_in = %(workspace)s
    AND (%(id)s::text IS NULL OR (trashed_at, asset_id) < (%(at)s::timestamptz, %(id)s))
    ORDER BY trashed_at DESC, asset_id DESC LIMIT %(limit)s) trash
"""
_OLDEST = f"""
SELECT trash.asset_id FROM {_ABSENT}, LATERAL (
    SELECT asset_id FROM views.vault WHERE trashed_in = %(workspace)s
    ORDER BY trashed_at, asset_id LIMIT %(limit)s) trash
"""
_CONTENTS = f"""
SELECT trash.* FROM {_ABSENT}, LATERAL (
    SELECT count(*) AS assets, coalesce(sum(size_bytes), 0)::bigint AS size_bytes
    FROM views.vault WHERE trashed_in = %(workspace)s) trash
"""


@dataclass(frozen=True, slots=True)
class TrashContents:
    """How many recordings there are in it, and how much they take of the plan."""

    assets: int
    size_bytes: int


class TrashQueries:
    def __init__(self, pool: ConnectionPool, cursors: Cursors) -> None:
        self._views, self._cursors = Views(pool), cursors

    def page(self, caller: Caller, *, limit: int = 50, cursor: str | None = None) -> AssetPage:
        """Lists what was put into it last first. Raises InvalidCursor (422)."""
        asked = ["trash", caller.workspace_id]
        at, asset_id = self._cursors.open(cursor, asked) or (None, None)
        rows = self._views.rows(
            _PAGE,
            {"workspace": caller.workspace_id, "at": at, "id": asset_id, "limit": limit + 1},
        )
        page = self._cursors.page(rows, limit, _place, asked)
        return AssetPage(
            data=[FoundAsset(**dict(asset_of(row))) for row in page.data],
            next_cursor=page.next_cursor,
            has_more=page.has_more,
        )

    def contents(self, caller: Caller) -> TrashContents:
        return TrashContents(**self._views.rows(_CONTENTS, {"workspace": caller.workspace_id})[0])


def oldest_in_trash(pool: ConnectionPool, workspace_id: str, limit: int) -> list[str]:
    """The ids of what has been in it longest."""
    rows = Views(pool).rows(_OLDEST, {"workspace": workspace_id, "limit": limit})
    return [row["asset_id"] for row in rows]


def _place(row: Row) -> tuple[str, str]:
    return row["trashed_at"].isoformat(), row["asset_id"]
