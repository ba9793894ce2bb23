"""What is like one recording: what sounds like it, and other recordings of the same song."""

from __future__ import annotations

from typing import Any

from kit.caller import Caller
from read_api.asset_rows import asset_of
from read_api.search import nearest
from read_api.search.finding import SETTINGS, Search
from read_api.search.reasons import why_similar
from read_api.search.versions import base_title, same_song
from read_api.views import Row, Views
from schemas.dto import AssetDto, FoundAsset, RelatedAsset

# So many titles that begin alike are looked at.
MOST_TITLES = 100
_FEW = """
SELECT count(*) <= %(few)s AS few FROM
    (SELECT FROM views.sounds WHERE workspace_id = %(workspace_id)s LIMIT %(few)s + 1) AS counted
"""
_SAME_BEGINNING = """
SELECT * FROM views.vault
WHERE workspace_id = %(workspace_id)s AND title_sort >= %(begin)s
    AND title_sort < %(begin)s || chr(1114111) AND asset_id <> %(asset_id)s
ORDER BY title_sort, asset_id LIMIT %(rows)s
"""


def title_of(asset: AssetDto) -> str:
    """The tag, else the file's name without its ending."""
    return asset.tags.title or asset.filename.rpartition(".")[0] or asset.filename


class Alike:
    def __init__(self, views: Views, search: Search) -> None:
        self._views, self._search = views, search

    def similar(self, caller: Caller, one: AssetDto, limit: int) -> list[FoundAsset]:
        """What sounds most like it, nearest first; none before it was listened to."""
        towards = self._search.sound_of(caller, one.id)
        known: dict[str, Any] = {"workspace_id": caller.workspace_id, **towards.parameters}
        few = self._views.rows(_FEW, known | {"few": nearest.FEW})[0]["few"]
        rows = self._views.rows(
            f"WITH near AS MATERIALIZED"
            f" ({towards.candidates('workspace_id = %(workspace_id)s', few=bool(few))})"
            " SELECT vault.*, near_sound_closeness FROM near JOIN views.vault USING (asset_id)"
            " WHERE vault.workspace_id = %(workspace_id)s AND asset_id <> %(asset_id)s"
            " ORDER BY near_sound_closeness DESC, asset_id DESC LIMIT %(rows)s",
            known | {"asset_id": one.id, "rows": limit},
            SETTINGS | nearest.SETTINGS,
        )
        return [_similar(one, row) for row in rows]

    def related(self, caller: Caller, one: AssetDto) -> list[RelatedAsset]:
        """Other recordings of the same song, the surest first."""
        return self._versions(caller, one)

    def _versions(self, caller: Caller, one: AssetDto) -> list[RelatedAsset]:
        base = base_title(title_of(one))
        rows = self._views.rows(
            _SAME_BEGINNING.replace("%(begin)s", "search_fold(%(begin)s)"),
            {
                "workspace_id": caller.workspace_id,
                "begin": base,
                "asset_id": one.id,
                "rows": MOST_TITLES,
            },
        )
        found = []
        for row in rows:
            other = asset_of(row)
            reason = same_song(one, other)
            if reason and base_title(title_of(other)) == base:
                found.append(RelatedAsset(**other.model_dump(), kind="version", reason=reason))
        return found


def _similar(one: AssetDto, row: Row) -> FoundAsset:
    other = asset_of(row)
    return FoundAsset(
        **other.model_dump(),
        reasons=why_similar(one, other),
        similarity=round(float(row["near_sound_closeness"]), 4),
    )
