"""Which sessions and keys still count: asked once for all that listen, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from psycopg_pool import ConnectionPool

_LIVING = """
SELECT session_id FROM credentials_sessions
WHERE session_id = ANY(%(holders)s) AND expires_at > now() AND created_at > now() - %(life)s
UNION ALL
SELECT key_id FROM credentials_keys WHERE key_id = ANY(%(holders)s) AND revoked_at IS NULL
"""


class Holders:
    """`session_life` is how long a session lasts at most."""

    def __init__(self, pool: ConnectionPool, session_life: timedelta) -> None:
        self._pool, self._session_life = pool, session_life

    def living(self, holders: Sequence[str]) -> frozenset[str]:
        """Those of these ids of sessions and keys that have not ended, by whatever ended them."""
        values = {"holders": list(holders), "life": self._session_life}
        with self._pool.connection() as connection:
            return frozenset(row[0] for row in connection.execute(_LIVING, values))
