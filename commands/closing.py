"""Whether a workspace may still be written to: nothing is kept for one that is being erased.

Two locks of the database, for writers may be on any machine. Whoever writes a file holds the
workspace's lock shared, and looks under it whether an erasure was asked for; whoever empties the
workspace holds it alone. So each file is written before it is emptied, or never. The session of a
killed writer ends, and its lock with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.store.pending import StoreBusy
from events.store.subject_keys import SubjectGone

ERASURE_CLAIM = "account-erasure"
PATIENCE_S, PAUSE_S = 2.0, 0.05
_KEY = "hashtextextended(%s, 1970)"
# `during IS NULL` is the condition of the index: without it each file read every claim.
_CLOSED = "SELECT FROM claims WHERE scope = %s AND kind = %s AND during IS NULL"


class StillWriting(NoCultureError):
    status, code = 503, "still-writing"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__("A file of this workspace is being written: try again in a moment")


class WorkspaceLocks:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool, self._mine = pool, threading.local()

    @contextmanager
    def writing(self, workspace_id: str) -> Iterator[None]:
        """Hold this while a file of the workspace gets its name, and what the log says of it.

        Only so long: a connection is held too. Raises SubjectGone (410), StoreBusy (503).
        """
        if workspace_id in self._held:
            yield
            return
        with self._pool.connection() as connection:
            if not _tried(connection, "pg_try_advisory_lock_shared", workspace_id):
                # Refused at once where it is being emptied, and that is what keeps others out.
                _refuse_closed(connection, workspace_id)
                raise StoreBusy
            try:
                _refuse_closed(connection, workspace_id)
                with self._holding(workspace_id):
                    yield
            finally:
                connection.execute(f"SELECT pg_advisory_unlock_shared({_KEY})", (workspace_id,))

    @contextmanager
    def emptying(self, workspace_id: str) -> Iterator[None]:
        """Hold this while all of the workspace is deleted. Raises StillWriting (503)."""
        if workspace_id in self._held:
            yield
            return
        with self._pool.connection() as connection:
            # Tried, not waited for: a writer may take the lock twice, and would wait behind us.
            if not _tried(connection, "pg_try_advisory_lock", workspace_id):
                raise StillWriting
            try:
                with self._holding(workspace_id):
                    yield
            finally:
                connection.execute(f"SELECT pg_advisory_unlock({_KEY})", (workspace_id,))

    @property
    def _held(self) -> set[str]:
        held: set[str] = self._mine.__dict__.setdefault("held", set())
        return held

    @contextmanager
    def _holding(self, workspace_id: str) -> Iterator[None]:
        self._held.add(workspace_id)
        try:
            yield
        finally:
            self._held.discard(workspace_id)


def closed_lately(connection: psycopg.Connection[Any], within_days: int) -> list[str]:
    """Workspaces whose owners' keys were destroyed not longer ago than this."""
    rows = connection.execute(
        "SELECT c.scope FROM claims c JOIN subject_keys s ON s.subject = c.key"
        " WHERE c.kind = %s AND c.during IS NULL"
        " AND s.erased_at > now() - make_interval(days => %s)",
        (ERASURE_CLAIM, within_days),
    ).fetchall()
    return [workspace_id for (workspace_id,) in rows]


def closed_among(connection: psycopg.Connection[Any], workspaces: set[str]) -> set[str]:
    """Those of them whose erasure was asked for."""
    rows = connection.execute(
        "SELECT scope FROM claims WHERE kind = %s AND scope = ANY(%s) AND during IS NULL",
        (ERASURE_CLAIM, sorted(workspaces)),
    ).fetchall()
    return {workspace_id for (workspace_id,) in rows}


def _tried(connection: psycopg.Connection[Any], lock: str, workspace_id: str) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        row = connection.execute(f"SELECT {lock}({_KEY})", (workspace_id,)).fetchone()
        if row and row[0]:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_S)


def _refuse_closed(connection: psycopg.Connection[Any], workspace_id: str) -> None:
    """A statement of its own, behind the lock: it sees all that was committed before."""
    if connection.execute(_CLOSED, (workspace_id, ERASURE_CLAIM)).fetchone() is not None:
        raise SubjectGone
