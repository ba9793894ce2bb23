"""The installation's signature as its secrets have it now, and the change of its key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from psycopg_pool import ConnectionPool

from events.store.checkpoints import BadCheckpoint, CheckpointFile, CheckpointTable, key_id
from events.store.log_keys import KeyChange, KeyChanges, KnownKeys
from events.store.signing import LogSigner
from processors.checkpointer import LOCK_KEY
from runtime.secret_files import SecretFiles
from runtime.settings import Settings

SEED = "log_signing_seed"


def checkpoint_path(settings: Settings, log_id: str) -> Path:
    """The checkpoints' copy outside the database, which no restore of the database changes."""
    return settings.data / "checkpoints" / f"{log_id}.jsonl"


class LogSigning:
    """Reads the files each time, some times a minute: an exchanged key counts at once."""

    def __init__(self, secrets: SecretFiles) -> None:
        self._secrets, self._changes = secrets, KeyChanges(secrets.log_key_changes)
        # Made at the start: who copies the secrets then has the seed before anything is signed.
        LogSigner(secrets.log_signing_seed)

    def now(self) -> tuple[LogSigner, KnownKeys]:
        """Raises BadCheckpoint when what is written of the keys does not lead to the one here."""
        changes = self._changes.read()
        signer = LogSigner(self._secrets.log_signing_seed)
        if changes and changes[-1].public_key != signer.public_key:
            # An exchange was cut off behind its signature: it counts.
            following = self._secrets.following(SEED)
            signer = LogSigner(bytes.fromhex(following)) if following else signer
        if changes and changes[-1].public_key != signer.public_key:
            raise BadCheckpoint(
                self._changes.path.name, "its last key is not that of log_signing_seed"
            )
        return signer, KnownKeys(signer.public_key, changes)


def exchange_log_key(
    pool: ConnectionPool, secrets: SecretFiles, log_id: str, file: CheckpointFile
) -> KeyChange:
    """The old key signs the new one; safe to repeat after a kill at any point.

    Raises BadCheckpoint.
    """
    changes = KeyChanges(secrets.log_key_changes)
    with pool.connection() as connection, connection.transaction():
        # Nobody signs meanwhile, so the last checkpoint of the old key is known.
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOCK_KEY)
        old = LogSigner(secrets.log_signing_seed)
        new = LogSigner(bytes.fromhex(secrets.make_following(SEED)))
        known = changes.read()
        if known and known[-1].public_key == new.public_key:
            change = known[-1]
        else:
            newest = [c.key for c in (*file.read()[-1:], CheckpointTable(connection).last()) if c]
            epoch, size = max(newest, default=(0, 0))
            change = signed_change(log_id, old, new.public_key, epoch, size)
            changes.append(change)
        secrets.replace(SEED)
    return change


def signed_change(
    log_id: str, old: LogSigner, public_key: bytes, epoch: int, size: int
) -> KeyChange:
    unsigned = KeyChange(
        log_id=log_id, follows=old.public_key, public_key=public_key, epoch=epoch, size=size
    )
    return replace(unsigned, signature=old.sign(unsigned.text.encode()))


def key_names(change: KeyChange) -> tuple[str, str]:
    """(old, new), as checkpoints name them."""
    return key_id(change.log_id, change.follows), key_id(change.log_id, change.public_key)
