"""Queries of what happened, as envelopes in position order: in the caller's own workspace, and to
one thing that is shared with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.paging import Cursors, shown
from kit.positions import Progress
from read_api.errors import NotVisible
from read_api.revealing import Reveal, as_stored
from read_api.system.shared_events import SharedEvents
from read_api.views import Row, Views
from schemas.dto import EventDto, Page

_EXPORT_PAGE = 500


class TimelineQueries:
    """Pages end where the view is complete: different streams' events are folded in any order."""

    def __init__(
        self,
        pool: ConnectionPool,
        progress: Progress,
        cursors: Cursors,
        reveal: Reveal = as_stored,
        shared: SharedEvents | None = None,
    ) -> None:
        self._shared = shared
        self._views, self._progress, self._cursors = Views(pool), progress, cursors
        self._reveal = reveal

    def of_asset(
        self, caller: Caller, asset_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[EventDto]:
        """Its own stream's events, its analysis' and its ingest's; also of a deleted asset. Of one
        that is shared with the caller what they may see.

        Raises NotVisible (404), InvalidCursor (422), GrantsBehind (503).
        """
        asked = ["asset-events", caller.workspace_id, asset_id]
        opened = self._cursors.open(cursor, asked)
        after, asset = opened[0] if opened else 0, asset_id.replace("\x00", "")
        rows = self._after("asset_id = %(asset)s AND", {"asset": asset}, caller, after, limit + 1)
        if rows or (opened is not None and self._is_own(caller, asset)):
            return self._page(rows, limit, asked)
        shared = self._shared
        seen = None if shared is None else shared.of_thing(caller, asset, after, limit + 1)
        if seen is None:
            raise NotVisible("This asset")
        return self._cursors.page(seen, limit, lambda event: (event.position,), asked)

    def _is_own(self, caller: Caller, asset_id: str) -> bool:
        return bool(self._after("asset_id = %(asset)s AND", {"asset": asset_id}, caller, 0, 1))

    def newest_of_asset(self, caller: Caller, asset_id: str, limit: int) -> list[EventDto]:
        """The last so many of the same, newest first; nothing for an asset that is not there."""
        rows = self._views.rows(
            "SELECT * FROM views.timeline WHERE asset_id = %(asset)s AND tenant = %(tenant)s"
            " AND position <= %(complete_to)s ORDER BY position DESC LIMIT %(limit)s",
            {
                "asset": asset_id.replace("\x00", ""),
                "tenant": caller.workspace_id,
                "complete_to": self._progress.consumer_position("timeline"),
                "limit": limit,
            },
        )
        return [self._event(row) for row in rows]

    def of_workspace(
        self,
        caller: Caller,
        *,
        after: int = 0,
        type: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[EventDto]:
        """All events of the workspace behind position `after`, of one type if named."""
        asked = ["events", caller.workspace_id, after, type]
        opened = self._cursors.open(cursor, asked)
        condition = "type = %(type)s AND" if type is not None else ""
        parameters = {"type": (type or "").replace("\x00", "")}
        rows = self._after(condition, parameters, caller, opened[0] if opened else after, limit + 1)
        return self._page(rows, limit, asked)

    def exported(self, caller: Caller) -> Iterator[str]:
        """Every event of the caller's workspace as JSON, in order."""
        for page in self.walk(caller):
            for event in page:
                yield json.dumps(event.model_dump(mode="json"), ensure_ascii=False)

    def walk(self, caller: Caller) -> Iterator[list[EventDto]]:
        """Pages of all events of the workspace."""
        position = 0
        while rows := self._after("", {}, caller, position, _EXPORT_PAGE):
            yield [self._event(row) for row in rows]
            position = rows[-1]["position"]

    def _after(
        self, condition: str, parameters: dict[str, Any], caller: Caller, after: int, limit: int
    ) -> list[Row]:
        complete_to = self._progress.consumer_position("timeline")
        return self._views.rows(
            f"SELECT * FROM views.timeline WHERE {condition} tenant = %(tenant)s"
            " AND position > %(after)s AND position <= %(complete_to)s"
            " ORDER BY position LIMIT %(limit)s",
            {
                **parameters,
                "tenant": caller.workspace_id,
                "after": after,
                "complete_to": complete_to,
                "limit": limit,
            },
        )

    def _page(self, rows: list[Row], limit: int, asked: object) -> Page[EventDto]:
        page = self._cursors.page(rows, limit, lambda row: (row["position"],), asked)
        return shown(page, self._event)

    def _event(self, row: Row) -> EventDto:
        fields = {name: row[name] for name in EventDto.model_fields}
        where = (row["event_id"], row["stream_id"], row["tenant"])
        data = self._reveal(*where, json.loads(row["data"]))
        return EventDto(**(fields | {"data": data}))
