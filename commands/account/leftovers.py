"""Copies of what streams said of a person, and counters that anybody's secret is in."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from commands.leaving import Leaving
from kit.policies import FORGET_SPENT


class Leftovers:
    """The `Contents` of the account area: rows only."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def delete_streams(self, leaving: Leaving) -> None:
        """The erasure itself ends the account, its keys and its workspace."""

    def delete_files(self, workspace_id: str) -> int:
        """The area keeps no files."""
        return 0

    def delete_rows_of_party(self, party_id: str) -> None:
        """Delete what there is of a party, whose workspace is the house's and stays."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM snapshots WHERE subject = %s", (party_id,))
            connection.execute(
                "DELETE FROM credentials_erasure_links WHERE party_id = %s", (party_id,)
            )
            connection.execute(FORGET_SPENT)

    def delete_rows(self, workspace_id: str, account_id: str) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM snapshots WHERE tenant = %s OR subject = %s",
                (workspace_id, account_id),
            )
            # Their errors may quote what they could not digest.
            connection.execute(
                "DELETE FROM dead_letters d USING events e WHERE e.position = d.position"
                " AND e.tenant = %s AND d.state = 'replayed'",
                (workspace_id,),
            )
            connection.execute(FORGET_SPENT)

    def arriving(self, workspace_id: str) -> list[str]:
        return []
