"""The master keys that wrap every subject's key: one in use, and two while it is exchanged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from events.store.master_key_ids import MasterKeyMissing, master_key_id

Load = Callable[[], Sequence[bytes]]
REWRAP_AT_ONCE = 500


class MasterKeys:
    """`load` reads the keys that the secrets hold now; it is asked again for one not known yet."""

    def __init__(self, load: Load) -> None:
        self._load, self._lock = load, threading.Lock()
        self._known: dict[str, AESGCM] = {}
        self._newest = ""

    def newest_id(self) -> str:
        """The id of the key that a database without a master key starts with."""
        if not self._newest:
            self._reload()
        return self._newest

    def wrap(self, key_id: str, subject: str, key: bytes) -> bytes:
        """Raises MasterKeyMissing (503)."""
        nonce = os.urandom(12)
        return nonce + self._named(key_id).encrypt(nonce, key, subject.encode())

    def unwrap(self, key_id: str | None, subject: str, wrapped: bytes) -> bytes:
        """`key_id` is None for keys from before there were ids. Raises MasterKeyMissing (503)."""
        if key_id is None and not self._known:
            self._reload()
        candidates = [self._named(key_id)] if key_id else list(self._known.values())
        for master in candidates:
            try:
                return master.decrypt(wrapped[:12], wrapped[12:], subject.encode())
            except InvalidTag:
                continue
        raise MasterKeyMissing(key_id)

    def _named(self, key_id: str) -> AESGCM:
        if key_id not in self._known:
            self._reload()
        found = self._known.get(key_id)
        if found is None:
            raise MasterKeyMissing(key_id)
        return found

    def _reload(self) -> None:
        with self._lock:
            keys = self._load()
            self._known = {master_key_id(key): AESGCM(key) for key in keys}
            self._newest = master_key_id(keys[-1])


def key_in_use(pool: ConnectionPool, first: str) -> str:
    """The id of the master key that new keys are wrapped with: `first` if there was none yet."""
    with pool.connection() as connection:
        row = connection.execute("SELECT key_id FROM master_key").fetchone()
        if row is None:
            connection.execute(
                "INSERT INTO master_key (key_id) VALUES (%s) ON CONFLICT DO NOTHING", (first,)
            )
            row = connection.execute("SELECT key_id FROM master_key").fetchone()
    return row[0] if row else first


def use_key(pool: ConnectionPool, key_id: str) -> None:
    """From now on new keys are wrapped with this one; waits for those being written."""
    with pool.connection() as connection:
        connection.execute(
            "INSERT INTO master_key (key_id) VALUES (%s)"
            " ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id",
            (key_id,),
        )


def rewrap_some(pool: ConnectionPool, masters: MasterKeys, key_id: str) -> int:
    """Wrap some keys anew with the master key `key_id`; 0 when none is left with another.

    A key erased meanwhile stays erased: the row must still be what was read.
    """
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT subject, wrapped_key, master_key_id FROM subject_keys"
            " WHERE wrapped_key IS NOT NULL AND master_key_id IS DISTINCT FROM %s"
            " ORDER BY subject LIMIT %s",
            (key_id, REWRAP_AT_ONCE),
        ).fetchall()
        changes = [
            {
                "subject": subject,
                "old": old,
                "new": masters.wrap(key_id, subject, masters.unwrap(old_id, subject, old)),
                "key_id": key_id,
            }
            for subject, old, old_id in rows
        ]
        with connection.transaction():
            connection.cursor().executemany(
                "UPDATE subject_keys SET wrapped_key = %(new)s, master_key_id = %(key_id)s"
                " WHERE subject = %(subject)s AND wrapped_key = %(old)s",
                changes,
            )
    return len(rows)
