"""Names of master keys. Imports little, for whoever only starts an installation needs no cipher."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from events.errors import NoCultureError


class MasterKeyMissing(NoCultureError):
    status, code = 503, "master-key-missing"

    def __init__(self, key_id: str | None) -> None:
        which = f"The master key {key_id}" if key_id else "The master key of this database"
        super().__init__(
            f"{which} is not in the installation's secrets: put back the file `master_key` that"
            " belongs to this database (docs/operations.md, lost master key)"
        )


def master_key_id(key: bytes) -> str:
    """16 hex digits that name a key and tell nothing of it."""
    return hashlib.sha256(b"noculture master key\x1f" + key).hexdigest()[:16]


def require_master_key(connection: Connection[Any], keys: Sequence[bytes]) -> None:
    """Raises MasterKeyMissing if none of `keys` is the one that this database was written with."""
    row = connection.execute("SELECT key_id FROM master_key").fetchone()
    if row is not None and row[0] not in map(master_key_id, keys):
        raise MasterKeyMissing(row[0])
