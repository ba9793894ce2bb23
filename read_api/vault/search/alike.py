"""Finds what is like a recording: what sounds like it, and others of the same song."""

from __future__ import annotations

from typing import Any

from kit.caller import Caller
from projections.folding import sort_key
from projections.vault.songs import base_title
from read_api.vault.asset_rows import asset_of
from read_api.vault.search import nearest
from read_api.vault.search.finding import SETTINGS, Search, found_asset
from read_api.vault.search.reasons import why_similar
from read_api.vault.search.versions import same_song
from read_api.views import Row, Views
from schemas.audio.fingerprint import Match, compare, read_words
from schemas.vault.dto import AssetDto
from schemas.vault.found import FoundAsset, RelatedAsset

# At most so many titles that begin alike are looked at.
MOST_TITLES = 100
_FEW = """
SELECT count(*) <= %(few)s AS few FROM
    (SELECT FROM views.sounds WHERE workspace_id = %(workspace_id)s LIMIT %(few)s + 1) AS counted
"""
# So many fingerprints with most terms in common are compared word by word, some ms each.
MOST_COMPARED = 12
_SHARED_TERMS = """
SELECT vault.*, alike.fingerprint FROM (
    SELECT asset_id, fingerprint, (
        SELECT count(*) FROM unnest(terms) AS term WHERE term = ANY (%(terms)s::integer[])
    ) AS shared FROM views.sounds
    WHERE workspace_id = %(workspace_id)s AND terms && %(terms)s::integer[]
        AND asset_id <> %(asset_id)s
    ORDER BY shared DESC, asset_id LIMIT %(rows)s
) AS alike JOIN views.vault AS vault USING (asset_id)
WHERE vault.workspace_id = %(workspace_id)s
"""
_SAME_BEGINNING = """
SELECT * FROM views.vault
WHERE workspace_id = %(workspace_id)s AND title_sort >= %(begin)s
    AND title_sort < %(begin)s || chr(1114111) AND asset_id <> %(asset_id)s
ORDER BY title_sort, asset_id LIMIT %(rows)s
"""


def title_of(asset: AssetDto) -> str:
    """The tag, else the file's name without its ending."""
    read = asset.from_name and asset.from_name.title
    return asset.tags.title or read or asset.filename.rpartition(".")[0] or asset.filename


class Alike:
    def __init__(self, views: Views, search: Search) -> None:
        self._views, self._search = views, search

    def similar(self, caller: Caller, one: AssetDto, limit: int) -> list[FoundAsset]:
        """Lists what sounds most like `one`, nearest first; nothing before `one` was measured."""
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
        """Other recordings of the same song, the surest first; each once."""
        found: dict[str, RelatedAsset] = {}
        for each in (*self._same_audio(caller, one), *self._versions(caller, one)):
            found.setdefault(each.id, each)
        return list(found.values())

    def _same_audio(self, caller: Caller, one: AssetDto) -> list[RelatedAsset]:
        mine = self._views.row(
            "SELECT fingerprint, terms FROM views.sounds"
            " WHERE asset_id = %(id)s AND workspace_id = %(workspace)s AND terms <> '{}'",
            {"id": one.id, "workspace": caller.workspace_id},
        )
        if mine is None:
            return []
        rows = self._views.rows(
            _SHARED_TERMS,
            {
                "workspace_id": caller.workspace_id,
                "asset_id": one.id,
                "terms": mine["terms"],
                "rows": MOST_COMPARED,
            },
            SETTINGS,
        )
        words, found = read_words(mine["fingerprint"]), []
        for row in rows:
            match = compare(words, read_words(row["fingerprint"]))
            if match is not None:
                found.append(_related(asset_of(row), match))
        return sorted(found, key=lambda each: (-(each.share or 0), each.id))

    def _versions(self, caller: Caller, one: AssetDto) -> list[RelatedAsset]:
        base = base_title(title_of(one))
        rows = self._views.rows(
            _SAME_BEGINNING,
            {
                "workspace_id": caller.workspace_id,
                "begin": sort_key(base),
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


def _related(other: AssetDto, match: Match) -> RelatedAsset:
    share = max(match.share_of_one, match.share_of_other)
    same = match.verdict == "same audio"
    return RelatedAsset(
        **other.model_dump(),
        kind="same-audio" if same else "contains",
        share=share,
        offset_s=match.offset_s,
        reason="the same audio" if same else f"{share:.0%} of the shorter one is the same audio",
    )


def _similar(one: AssetDto, row: Row) -> FoundAsset:
    other = asset_of(row)
    return found_asset(other, why_similar(one, other), row["near_sound_closeness"])
