"""The vault's queries, for JSON and pages alike: the caller's own workspace, and what others share
with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg_pool import ConnectionPool

from events.access import OWN, require
from gateways.ports.text import TextEmbedder
from kit.caller import Caller
from kit.paging import Cursors
from read_api.errors import NotVisible
from read_api.people import People
from read_api.sharing import Sharing
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.asset_rows import asset_of, published
from read_api.vault.search.alike import Alike
from read_api.vault.search.finding import Search
from read_api.vault.search.meaning import Meaning
from read_api.vault.search.songs import Songs
from read_api.vault.trash import TrashQueries
from read_api.views import Row, Views
from schemas.dto import Page
from schemas.vault.dto import AssetDto, GrantDto, VaultStats
from schemas.vault.found import AssetPage, FoundAsset, RelatedAsset, SongDto

_ASSET_ID = re.compile(r"ast_[0-9a-f]{32}")
# Also what is in the trash. A view of an earlier version, read until the new one is built, has no
# trashed_in: there the name means the null around it.
_ONE = """
SELECT found.* FROM (SELECT NULL::text AS trashed_in) absent, LATERAL (
    SELECT * FROM views.vault
    WHERE asset_id = %(id)s AND coalesce(workspace_id, trashed_in) = %(workspace)s) found
"""
LOOKED_AT = 200
_TROUBLED = """
SELECT * FROM (
    SELECT * FROM views.vault WHERE workspace_id = %(workspace)s
    ORDER BY uploaded_at DESC, asset_id DESC LIMIT %(looked)s) newest
WHERE state IN ('rejected', 'analysis_failed') OR state = 'analysed' AND (
    tag_tempo_bpm IS NULL AND (tempo_candidates -> 0 ->> 'confidence')::float8 < %(sure)s
    OR tag_key IS NULL AND key_confidence < %(sure)s)
ORDER BY uploaded_at DESC, asset_id DESC LIMIT %(limit)s
"""


class AssetQueries:
    """With `make_embedder` words are found by what they mean too; it is called when needed. Without
    `sharing` other workspaces' assets do not exist.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        cursors: Cursors,
        make_embedder: Callable[[], TextEmbedder] | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self._views, self._cursors, self._sharing = Views(pool), cursors, sharing
        self._people = People(self._views)
        self._search = Search(self._views, cursors, Meaning(make_embedder))
        self._alike = Alike(self._views, self._search)
        self._songs = Songs(self._views)
        self.trash = TrashQueries(pool, cursors)

    def list(self, caller: Caller, filters: AssetFilters) -> AssetPage:
        """One page, with what was understood of `q` and why each asset is in it.

        Raises InvalidCursor (422), and NotVisible (404) for `similar_to` of another workspace.
        """
        if filters.shared:
            return self.shared(caller, limit=filters.limit, cursor=filters.cursor)
        if filters.trashed:
            return self.trash.page(caller, limit=filters.limit, cursor=filters.cursor)
        if filters.similar_to:
            self.row(caller, filters.similar_to)
        if filters.versions and self._songs.ready():
            return self._folded(caller, self._search.page(caller, filters))
        return self._search.page(caller, filters.model_copy(update={"versions": None}))

    def versions(self, caller: Caller, asset_id: str) -> SongDto:
        """The song of the caller's own asset, with its versions. Raises NotVisible (404)."""
        row = self.row(caller, asset_id)
        if row.get("song") is None:
            return SongDto(song=asset_id, count=0, versions=[])
        return self._songs.of(caller, row["song"])

    def _folded(self, caller: Caller, page: AssetPage) -> AssetPage:
        """The current versions in the place of those that were found, which are named."""
        songs = self._songs.around(caller, [each.id for each in page.data])
        away = [song.versions[0].id for found, song in songs.items() if song.hit]
        current = {each.id: each for each in self.listed(caller, away)}
        return page.model_copy(
            update={"data": [_in_song(each, songs.get(each.id), current) for each in page.data]}
        )

    def listed(self, caller: Caller, asset_ids: Sequence[str]) -> Sequence[AssetDto]:
        """The caller's own assets in this order, in one query; those that are not there are left
        out.
        """
        rows = self._views.rows(
            "SELECT vault.* FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS wanted(id, place)"
            " JOIN views.vault ON vault.asset_id = wanted.id"
            " WHERE workspace_id = %(workspace)s ORDER BY place",
            {"ids": list(asset_ids), "workspace": caller.workspace_id},
        )
        return [asset_of(row) for row in rows]

    def troubled(self, caller: Caller, unsure_below: float, limit: int) -> Sequence[AssetDto]:
        """The newest tracks that were not taken or not analysed, or whose measured tempo or key is
        less sure than that and nobody has said another. Looks at the newest `LOOKED_AT` only, so
        that a page can ask it of any vault.
        """
        asked = {"workspace": caller.workspace_id, "looked": LOOKED_AT}
        rows = self._views.rows(_TROUBLED, asked | {"sure": unsure_below, "limit": limit})
        return [asset_of(row) for row in rows]

    def count(self, caller: Caller, filters: AssetFilters) -> int:
        """How many there are in all for a question."""
        return self._search.count(caller, filters)

    def similar(self, caller: Caller, asset_id: str, limit: int) -> Page[FoundAsset]:
        """Lists what sounds most like the caller's own asset. Raises NotVisible (404)."""
        return Page(data=self._alike.similar(caller, self.get(caller, asset_id), limit))

    def related(self, caller: Caller, asset_id: str) -> Page[RelatedAsset]:
        """Other recordings of the same song. Raises NotVisible (404)."""
        return Page(data=self._alike.related(caller, self.get(caller, asset_id)))

    def shared(self, caller: Caller, *, limit: int = 50, cursor: str | None = None) -> AssetPage:
        """Lists what others share with the caller, what was shared last first. Raises InvalidCursor
        (422), GrantsBehind (503).
        """
        asked = ["shared", caller.account_id]
        before = self._cursors.open(cursor, asked)
        rows = self._foreign(
            caller,
            "AND (%(before)s::bigint IS NULL OR since < %(before)s)"
            " ORDER BY since DESC LIMIT %(limit)s",
            before=before[0] if before else None,
            limit=limit + 1,
        )
        page = self._cursors.page([*rows], limit, lambda row: (row["since"],), asked)
        owners = self._people.owners(row["workspace_id"] for row in page.data)
        shown = [published(row, owners.get(row["workspace_id"])) for row in page.data]
        return AssetPage(
            data=[FoundAsset(**dict(asset)) for asset in shown],
            next_cursor=page.next_cursor,
            has_more=page.has_more,
        )

    def grants(self, caller: Caller, asset_id: str) -> Page[GrantDto]:
        """The people whom the caller's own asset is shared with.

        Raises NotVisible (404), RightMissing (403).
        """
        row = self.row(caller, asset_id)
        rows = self._views.rows(
            "SELECT account_id, right_to FROM views.grants"
            " WHERE through = %(id)s AND thing = %(id)s ORDER BY since, account_id",
            {"id": row["asset_id"]},
        )
        people = self._people.named(each["account_id"] for each in rows)
        return Page(
            data=[
                GrantDto(**dict(people[each["account_id"]]), right=each["right_to"])
                for each in rows
            ]
        )

    def get(self, caller: Caller, asset_id: str, wanted: str = OWN) -> AssetDto:
        """As `row`, in the form that all are shown."""
        row = self.row(caller, asset_id, wanted)
        if row["workspace_id"] == caller.workspace_id:
            return asset_of(row)
        owners = self._people.owners([row["workspace_id"]])
        return published(row, owners.get(row["workspace_id"]))

    def row(self, caller: Caller, asset_id: str, wanted: str = OWN) -> Row:
        """The view's whole row: what `get` shows and where its blobs are; of the caller's own also
        what is in the trash. `wanted` is the right that somebody of another workspace needs.

        Raises NotVisible (404), RightMissing (403), GrantsBehind (503).
        """
        if not _ASSET_ID.fullmatch(asset_id):
            raise NotVisible("This asset")
        row = self._views.row(_ONE, {"id": asset_id, "workspace": caller.workspace_id})
        if row is not None:
            return row | {"workspace_id": caller.workspace_id}
        found = self._foreign(caller, "AND thing = %(thing)s", thing=asset_id)
        if not found:
            raise NotVisible("This asset")
        require(found[0]["right_to"], wanted)
        return found[0]

    def _foreign(self, caller: Caller, condition: str, **parameters: Any) -> Sequence[Row]:
        if self._sharing is None:
            return []
        return self._sharing.rows(
            caller.account_id,
            "SELECT vault.*, granted.right_to, granted.since"
            " FROM {granted} JOIN views.vault ON vault.asset_id = granted.thing"
            f" AND vault.workspace_id = granted.workspace_id WHERE true {condition}",
            **parameters,
        )

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


def _in_song(
    found: FoundAsset, song: SongDto | None, current: Mapping[str, AssetDto]
) -> FoundAsset:
    """Its song's row. A song that moved since it was found shows what was found."""
    shown = current.get(song.versions[0].id) if song and song.hit else None
    fields = vars(found) | (vars(shown) if shown else {}) | {"versions": song}
    return FoundAsset.model_construct(**fields)
