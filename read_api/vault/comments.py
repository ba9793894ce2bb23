"""Comments on the moments of a recording: the caller's own, or one shared with them for that."""

from __future__ import annotations

import json
from collections.abc import Iterator

from psycopg_pool import ConnectionPool

from kit.caller import Caller
from kit.paging import Cursors, shown
from read_api.errors import NotVisible
from read_api.people import People
from read_api.revealing import Reveal, as_stored
from read_api.vault.assets import LOOKED_AT, AssetQueries
from read_api.views import Row, Views
from schemas.dto import Page, PersonDto
from schemas.vault.dto import CommentDto

_OF_ASSET = """
SELECT * FROM views.comments
WHERE asset_id = %(asset)s AND workspace_id = %(workspace)s
  AND (at_s, comment_id) > (%(at_s)s, %(comment)s)
ORDER BY at_s, comment_id LIMIT %(limit)s
"""
_ONE = "SELECT * FROM views.comments WHERE comment_id = %(comment)s"
_BY_AUTHOR = """
SELECT * FROM views.comments WHERE author_id = %(author)s AND comment_id > %(after)s
ORDER BY comment_id LIMIT %(limit)s
"""
# By way of the tracks: comments have no order of time within a workspace.
_BY_OTHERS = """
SELECT comments.* FROM (
    SELECT asset_id FROM views.vault WHERE workspace_id = %(workspace)s
    ORDER BY uploaded_at DESC, asset_id DESC LIMIT %(looked)s) newest
JOIN views.comments USING (asset_id)
WHERE comments.workspace_id = %(workspace)s AND author_id <> %(me)s
ORDER BY added_at DESC, comment_id DESC LIMIT %(limit)s
"""
_BEFORE_ALL = (-1.0, "")
_EXPORT_PAGE = 500


class CommentQueries:
    def __init__(
        self,
        pool: ConnectionPool,
        assets: AssetQueries,
        cursors: Cursors,
        reveal: Reveal = as_stored,
    ) -> None:
        self._views, self._assets, self._cursors = Views(pool), assets, cursors
        self._people, self._reveal = People(self._views), reveal

    def of_asset(
        self, caller: Caller, asset_id: str, *, limit: int = 200, cursor: str | None = None
    ) -> Page[CommentDto]:
        """By the moment they are about. Raises NotVisible (404), RightMissing (403), InvalidCursor
        (422).
        """
        workspace_id = self._assets.row(caller, asset_id, "comment")["workspace_id"]
        asked = ["comments", caller.workspace_id, asset_id]
        at_s, comment = self._cursors.open(cursor, asked) or _BEFORE_ALL
        rows = self._views.rows(
            _OF_ASSET,
            {
                "asset": asset_id,
                "workspace": workspace_id,
                "at_s": at_s,
                "comment": comment,
                "limit": limit + 1,
            },
        )
        page = self._cursors.page(rows, limit, lambda row: (row["at_s"], row["comment_id"]), asked)
        people = self._people.named(row["author_id"] for row in page.data)
        return shown(page, lambda row: self._comment(row, people[row["author_id"]]))

    def get(self, caller: Caller, comment_id: str) -> CommentDto:
        """Raises NotVisible (404), RightMissing (403)."""
        row = self._views.row(_ONE, {"comment": comment_id})
        if row is None:
            raise NotVisible("The comment")
        if row["workspace_id"] != caller.workspace_id:
            try:
                self._assets.row(caller, row["asset_id"], "comment")
            except NotVisible as error:
                raise NotVisible("The comment") from error
        author_id = row["author_id"]
        return self._comment(row, self._people.named([author_id])[author_id])

    def newest(self, caller: Caller, limit: int) -> list[CommentDto]:
        """The last that others said of the caller's newest tracks, newest first."""
        rows = self._views.rows(
            _BY_OTHERS,
            {
                "workspace": caller.workspace_id,
                "me": caller.account_id,
                "looked": LOOKED_AT,
                "limit": limit,
            },
        )
        people = self._people.named(row["author_id"] for row in rows)
        return [self._comment(row, people[row["author_id"]]) for row in rows]

    def exported(self, caller: Caller) -> Iterator[str]:
        """All that the caller has said as JSON, in order; also of other people's recordings, and of
        those that are shared with them no more.
        """
        author, after = caller.account_id, ""
        me = self._people.named([author])[author]
        page = {"author": author, "limit": _EXPORT_PAGE}
        while rows := self._views.rows(_BY_AUTHOR, page | {"after": after}):
            for row in rows:
                yield self._comment(row, me).model_dump_json()
            after = rows[-1]["comment_id"]

    def _comment(self, row: Row, author: PersonDto) -> CommentDto:
        where = (row["said_event"], row["comment_id"], row["workspace_id"])
        text = self._reveal(*where, json.loads(row["said"]))["text"]
        return CommentDto(
            id=row["comment_id"],
            asset_id=row["asset_id"],
            author_id=row["author_id"],
            author=author,
            version=row["version"],
            at_s=row["at_s"],
            end_s=row["end_s"],
            text=text if isinstance(text, str) else None,
            added_at=row["added_at"],
            edited_at=row["edited_at"],
            resolved_at=row["resolved_at"],
            resolved_by=row["resolved_by"],
        )
