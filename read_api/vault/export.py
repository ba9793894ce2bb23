"""The vault's part of the personal export."""

from __future__ import annotations

from collections.abc import Iterator

from kit.caller import Caller
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries


def exported(assets: AssetQueries, caller: Caller) -> Iterator[str]:
    """Every track of the caller's workspace as JSON, in order of upload, then what is in the
    trash: that is kept too.
    """
    for asked in (
        AssetFilters(sort="uploaded_at", limit=200),
        AssetFilters(trashed=True, limit=200),
    ):
        cursor = None
        while True:
            page = assets.list(caller, asked.model_copy(update={"cursor": cursor}))
            for each in page.data:
                yield each.model_dump_json(exclude={"reasons", "similarity", "versions"})
            cursor = page.next_cursor
            if cursor is None:
                break
