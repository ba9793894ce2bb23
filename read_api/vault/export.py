"""The vault's part of the personal export."""

from __future__ import annotations

from collections.abc import Iterator

from kit.caller import Caller
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries


def exported(assets: AssetQueries, caller: Caller) -> Iterator[str]:
    """Every track of the caller's workspace as JSON, in order of upload."""
    cursor = None
    while True:
        page = assets.list(caller, AssetFilters(sort="uploaded_at", limit=200, cursor=cursor))
        for each in page.data:
            yield each.model_dump_json(exclude={"reasons", "similarity"})
        cursor = page.next_cursor
        if cursor is None:
            return
