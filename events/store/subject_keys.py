"""One AES-256 key per subject of personal data, wrapped by the installation's master key.

Destroying it erases.
"""

from __future__ import annotations

import time
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.store.master_key_ids import MasterKeyMissing
from events.store.master_keys import Load, MasterKeys, key_in_use

CACHE_S = 60.0
MAX_TRIES = 3

# Runs in the transaction that logs the destruction. The tombstone forbids a new key.
DESTROY = """
INSERT INTO subject_keys (subject, erased_at) VALUES (%s, clock_timestamp())
ON CONFLICT (subject) DO UPDATE SET wrapped_key = NULL, master_key_id = NULL,
    erased_at = coalesce(subject_keys.erased_at, clock_timestamp())
"""
# FOR SHARE: a rotation waits for this row before it deletes the key that wrapped it.
_INSERT = """
WITH in_use AS (SELECT key_id FROM master_key FOR SHARE)
INSERT INTO subject_keys (subject, wrapped_key, master_key_id)
SELECT %(subject)s, %(wrapped)s, key_id FROM in_use WHERE key_id = %(key_id)s
ON CONFLICT (subject) DO NOTHING
"""


class SubjectGone(NoCultureError):
    """Something personal was to be kept of somebody who was erased."""

    status, code = 410, "subject-erased"

    def __init__(self) -> None:
        super().__init__("This person was erased: nothing can be kept for them any more")


class SubjectKeys(Protocol):
    def find(self, subject: str) -> bytes | None:
        """The subject's key; None when there is none (any more)."""
        ...

    def obtain(self, subject: str) -> bytes:
        """The subject's key, made now if it is new. Raises SubjectGone (410)."""
        ...

    def forget(self, subject: str) -> None:
        """Drop the key from memory."""
        ...


class PostgresSubjectKeys:
    """Unwraps 11,750 keys/s measured, so found keys are kept for a minute.

    A missing one is looked up again. `master_keys` is the one key, or how to load those there are.
    """

    def __init__(self, pool: ConnectionPool, master_keys: bytes | Load) -> None:
        load = (lambda: [master_keys]) if isinstance(master_keys, bytes) else master_keys
        self._pool, self.masters = pool, MasterKeys(load)
        self._cache: dict[str, tuple[float, bytes]] = {}

    def find(self, subject: str) -> bytes | None:
        """Raises MasterKeyMissing (503)."""
        cached = self._cache.get(subject)
        if cached and time.monotonic() - cached[0] < CACHE_S:
            return cached[1]
        try:
            key = self._read(subject)
        except MasterKeyMissing:
            # Wrapped anew by a rotation between reading the row and the master keys.
            key = self._read(subject)
        if key is None:
            self._cache.pop(subject, None)
            return None
        if len(self._cache) >= 10_000:
            self._cache.clear()
        self._cache[subject] = (time.monotonic(), key)
        return key

    def obtain(self, subject: str) -> bytes:
        for _ in range(MAX_TRIES):
            found = self.find(subject)
            if found is not None:
                return found
            self._make(subject)
        raise SubjectGone

    def forget(self, subject: str) -> None:
        self._cache.pop(subject, None)

    def _read(self, subject: str) -> bytes | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT wrapped_key, master_key_id FROM subject_keys WHERE subject = %s",
                (subject,),
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return self.masters.unwrap(row[1], subject, bytes(row[0]))

    def _make(self, subject: str) -> None:
        """Two processes may make the key at once: the row that won is the key."""
        key_id = key_in_use(self._pool, first=self.masters.newest_id())
        wrapped = self.masters.wrap(key_id, subject, AESGCM.generate_key(bit_length=256))
        with self._pool.connection() as connection:
            connection.execute(_INSERT, {"subject": subject, "wrapped": wrapped, "key_id": key_id})


def erased_lately(pool: ConnectionPool, within_s: float) -> list[str]:
    """Subjects whose keys were destroyed not longer ago than this."""
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT subject FROM subject_keys"
            " WHERE erased_at > clock_timestamp() - make_interval(secs => %s)",
            (within_s,),
        ).fetchall()
    return [subject for (subject,) in rows]
