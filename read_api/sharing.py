"""The one way to things of other workspaces: all that may show one asks here, and nothing else
knows of sharing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from psycopg_pool import ConnectionPool

from events.access import RIGHTS, holds
from kit.caller import Caller
from read_api.errors import GrantsBehind
from read_api.views import Row, Views

# A revocation must not be missed for longer: reads of foreign things are refused instead.
MOST_BEHIND_S = 2.0
LOOK_EVERY_BYTES = 1024 * 1024
# A table of the caller's rights, for a FROM: the greatest of each thing, whatever streams it goes
# through, but for those that are suspended (projections/system/grants.py).
_GRANTED = """(
SELECT thing, workspace_id, min(since) AS since,
       (%(rights)s::text[])[max(array_position(%(rights)s::text[], right_to))] AS right_to
FROM views.grants AS held WHERE account_id = %(account)s AND NOT EXISTS (
    SELECT FROM views.grants AS closed
    WHERE closed.through = held.through AND closed.thing = '' AND closed.account_id = '')
GROUP BY thing, workspace_id
) AS granted"""


class Sharing:
    """`behind_s` says for how long the view of the grants has not seen all that was recorded."""

    def __init__(self, pool: ConnectionPool, behind_s: Callable[[], float]) -> None:
        self._views, self._behind_s = Views(pool), behind_s

    def rows(self, account_id: str, statement: str, **parameters: Any) -> list[Row]:
        """Rows of a statement that names `{granted}`, the account's rights: thing, workspace_id,
        right_to, since. Raises GrantsBehind (503).
        """
        self.check()
        asked = {"account": account_id, "rights": list(RIGHTS), **parameters}
        return self._views.rows(statement.replace("{granted}", _GRANTED), asked)

    def check(self) -> None:
        """Raises GrantsBehind (503)."""
        if self._behind_s() > MOST_BEHIND_S:
            raise GrantsBehind

    def right(self, caller: Caller, thing: str) -> str | None:
        """The right that somebody else's thing was shared for with the caller; None without one."""
        statement = "SELECT right_to FROM {granted} WHERE thing = %(thing)s"
        found = self.rows(caller.account_id, statement, thing=thing)
        return found[0]["right_to"] if found else None

    def ways(self, account_id: str) -> dict[str, str]:
        """The streams that something is shared with the account through, each with its workspace.
        Raises GrantsBehind (503); most accounts have none, and need no look at how far the view is.
        """
        rows = self._views.rows(
            "SELECT DISTINCT through, workspace_id FROM views.grants"
            " WHERE account_id = %(account)s",
            {"account": account_id},
        )
        if rows:
            self.check()
        return {row["through"]: row["workspace_id"] for row in rows}

    def while_allowed(
        self, caller: Caller, thing: str, wanted: str, pieces: Iterator[bytes]
    ) -> Iterator[bytes]:
        """The pieces for as long as the caller has the right: looked at after each MiB."""
        sent = 0
        for piece in pieces:
            if sent >= LOOK_EVERY_BYTES:
                held, sent = self.right(caller, thing), 0
                if held is None or not holds(held, wanted):
                    return
            yield piece
            sent += len(piece)
