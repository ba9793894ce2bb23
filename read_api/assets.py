"""The vault's queries, for JSON and pages alike. Each sees the caller's own workspace only."""

from __future__ import annotations

import re
from typing import Any

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.paging import Cursors
from read_api.asset_filters import AssetFilters
from read_api.asset_rows import asset_of
from read_api.asset_search import SIMILARITY, After, page_statement
from read_api.errors import NotFound
from read_api.views import Row, Views
from schemas.dto import AssetDto, Page, VaultStats

_ASSET_ID = re.compile(r"ast_[0-9a-f]{32}")


class AssetQueries:
    def __init__(self, pool: ConnectionPool, cursors: Cursors) -> None:
        self._views, self._cursors = Views(pool), cursors

    def list(self, caller: Caller, filters: AssetFilters) -> Page[AssetDto]:
        """One page. What is not found as it is written is looked for as if misspelt.

        Raises InvalidCursor (422).
        """
        asked = [caller.workspace_id, filters.fingerprint]
        cursor = self._cursors.open(filters.cursor, asked)
        words = self._words(filters.q)
        if filters.q and not words:
            return Page(data=[])
        if cursor is not None:
            fuzzy, sort_key, asset_id = cursor
            rows = self._page(caller, filters, words, bool(fuzzy), After(sort_key, asset_id))
        else:
            fuzzy = False
            rows = self._page(caller, filters, words, False, None)
            if words and not rows:
                fuzzy = True
                rows = self._page(caller, filters, words, True, None)
        page = self._cursors.page(
            rows,
            filters.limit,
            lambda row: (fuzzy, row["sort_key"], row["asset_id"]),
            asked,
        )
        return Page(
            data=[asset_of(row) for row in page.data],
            next_cursor=page.next_cursor,
            has_more=page.has_more,
        )

    def get(self, caller: Caller, asset_id: str) -> AssetDto:
        """Raises NotFound (404), also for an asset of another workspace."""
        return asset_of(self.row(caller, asset_id))

    def row(self, caller: Caller, asset_id: str) -> Row:
        """The view's whole row: what `get` shows and where its blobs are."""
        row = None
        if _ASSET_ID.fullmatch(asset_id):
            row = self._views.row(
                "SELECT * FROM views.vault"
                " WHERE asset_id = %(id)s AND workspace_id = %(workspace)s",
                {"id": asset_id, "workspace": caller.workspace_id},
            )
        if row is None:
            raise NotFound("This asset")
        return row

    def stats(self, caller: Caller) -> VaultStats:
        rows = self._views.rows(
            "SELECT state, count(*) AS assets, coalesce(sum(duration_s), 0) AS duration_s,"
            " sum(size_bytes)::bigint AS size_bytes FROM views.vault"
            " WHERE workspace_id = %(workspace)s GROUP BY state",
            {"workspace": caller.workspace_id},
        )
        return VaultStats(
            assets=sum(row["assets"] for row in rows),
            by_state={row["state"]: row["assets"] for row in rows},
            duration_s=sum(row["duration_s"] for row in rows),
            size_bytes=sum(row["size_bytes"] for row in rows),
        )

    def _words(self, q: str | None) -> list[str]:
        """The words of a question, folded as the rows' text is."""
        if not q:
            return []
        row = self._views.row("SELECT search_fold(%(q)s) AS folded", {"q": q})
        return list(dict.fromkeys(row["folded"].split())) if row else []

    def _page(
        self,
        caller: Caller,
        filters: AssetFilters,
        words: list[str],
        fuzzy: bool,
        after: After | None,
    ) -> list[dict[str, Any]]:
        statement, parameters = page_statement(
            caller.workspace_id, filters, words, fuzzy=fuzzy, after=after
        )
        similarity = {"pg_trgm.word_similarity_threshold": str(SIMILARITY)} if fuzzy else None
        return self._views.rows(statement, parameters, similarity)
