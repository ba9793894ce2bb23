"""Exchange the master key: every subject's key is wrapped anew, then the old master key is gone.

Both keys are known while it runs, the rows say which one wrapped them: it may be stopped at any
point and goes on where it was. Running processes read the new key when they first meet it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.store.master_key_ids import master_key_id
from events.store.master_keys import MasterKeys, rewrap_some, use_key
from runtime.secret_files import SecretFiles

LOCK = 7521987


class RotationRunning(NoCultureError):
    status, code = 409, "rotation-running"

    def __init__(self) -> None:
        super().__init__("Another rotation of the master key is running here: wait for it")


@dataclass(frozen=True, slots=True)
class Rotated:
    """`resumed`: an interrupted rotation was finished; no other key was made."""

    old_key_id: str
    new_key_id: str
    rewrapped: int
    resumed: bool


def rotate_master_key(
    pool: ConnectionPool, secrets: SecretFiles, progress: Callable[[int], None] = lambda _: None
) -> Rotated:
    """`progress` gets how many keys were wrapped anew. Raises RotationRunning, MasterKeyMissing."""
    with pool.connection() as lock:
        row = lock.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        if not (row and row[0]):
            raise RotationRunning
        try:
            return _rotate(pool, secrets, progress)
        finally:
            lock.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def _rotate(pool: ConnectionPool, secrets: SecretFiles, progress: Callable[[int], None]) -> Rotated:
    resumed = secrets.following("master_key") is not None
    old_id = master_key_id(secrets.master_keys()[0])
    new_id = master_key_id(bytes.fromhex(secrets.make_following("master_key")))
    # In this order: whoever is told the new key's name finds the key in the folder.
    use_key(pool, new_id)
    masters = MasterKeys(secrets.master_keys)
    rewrapped = 0
    while some := rewrap_some(pool, masters, new_id):
        rewrapped += some
        progress(rewrapped)
    # No row needs the old key and none can come: new rows are checked against the name in use.
    secrets.replace("master_key")
    return Rotated(old_id, new_id, rewrapped, resumed)
