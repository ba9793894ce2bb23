"""The vault's queries, for JSON and pages alike. Each sees the caller's own workspace only."""

from __future__ import annotations

import re
from collections.abc import Callable

from psycopg_pool import ConnectionPool

from gateways.ports.text import TextEmbedder
from kit.caller import Caller
from kit.paging import Cursors
from read_api.errors import NotVisible
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.asset_rows import asset_of
from read_api.vault.search.alike import Alike
from read_api.vault.search.finding import Search
from read_api.vault.search.meaning import Meaning
from read_api.views import Row, Views
from schemas.dto import Page
from schemas.vault.dto import AssetDto, VaultStats
from schemas.vault.found import AssetPage, FoundAsset, RelatedAsset

_ASSET_ID = re.compile(r"ast_[0-9a-f]{32}")


class AssetQueries:
    """With `make_embedder` words are found by what they mean too; it is called when needed."""

    def __init__(
        self,
        pool: ConnectionPool,
        cursors: Cursors,
        make_embedder: Callable[[], TextEmbedder] | None = None,
    ) -> None:
        self._views = Views(pool)
        self._search = Search(self._views, cursors, Meaning(make_embedder))
        self._alike = Alike(self._views, self._search)

    def list(self, caller: Caller, filters: AssetFilters) -> AssetPage:
        """One page, with what was understood of `q` and why each asset is in it.

        Raises InvalidCursor (422), and NotVisible (404) for `similar_to` of another workspace.
        """
        if filters.similar_to:
            self.row(caller, filters.similar_to)
        return self._search.page(caller, filters)

    def count(self, caller: Caller, filters: AssetFilters) -> int:
        """How many there are in all for a question."""
        return self._search.count(caller, filters)

    def similar(self, caller: Caller, asset_id: str, limit: int) -> Page[FoundAsset]:
        """Lists what sounds most like the asset. Raises NotVisible (404)."""
        return Page(data=self._alike.similar(caller, self.get(caller, asset_id), limit))

    def related(self, caller: Caller, asset_id: str) -> Page[RelatedAsset]:
        """Other recordings of the same song. Raises NotVisible (404)."""
        return Page(data=self._alike.related(caller, self.get(caller, asset_id)))

    def get(self, caller: Caller, asset_id: str) -> AssetDto:
        """Raises NotVisible (404), also for an asset of another workspace."""
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
            raise NotVisible("This asset")
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
