"""Making a backup while everything runs: a base of the database, its write-ahead log as it is
written, then the blobs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from events.times import rfc3339, utc_now
from runtime.backup.blobs import copy_missing, forget
from runtime.backup.folder import SUPERUSERS_FILE, Backup, BackupFailed, blobs_of, new_backup_folder
from runtime.backup.receiver import WalReceiver
from runtime.engines.postgres import EmbeddedPostgres
from runtime.engines.postgres_programs import PostgresPrograms, find_programs
from runtime.erasure_register import register_of
from runtime.errors import NothingRunning, PartUnavailable
from runtime.settings import Settings

LOOK_EVERY_S = 0.5
BLOBS_EVERY_S = 10.0


class NotOurDatabase(PartUnavailable):
    code = "not-our-database"

    def __init__(self) -> None:
        super().__init__(
            "The database is your own (NOCULTURE_DATABASE_URL): back it up with its own tools, as"
            " docs/operations.md says; then the object store"
        )


class BackupTaker:
    """For an installation that runs; raises NothingRunning, NotOurDatabase."""

    def __init__(self, settings: Settings, backups: Path) -> None:
        require_embedded(settings)
        if not settings.app_database_url:
            raise NothingRunning(settings.data)
        self._settings, self._backups = settings, backups
        cluster = settings.data / "postgres"
        self._programs = find_programs(cluster / "cluster")
        # It may copy everything, so no process of the product is given it.
        self._url = EmbeddedPostgres(cluster, secrets=settings.secrets).known_port().backup_url

    def take(self) -> Backup:
        """A base and the blobs. The blobs come last: whatever the base names is there by then."""
        backup = self._take_base(new_backup_folder(self._backups))
        self.copy_blobs()
        backup.write()
        return backup

    def follow(self, taken: Callable[[Backup], None], stopping: Callable[[], bool]) -> None:
        """A backup, then everything that is written after it, until `stopping`. Raises BackupFailed
        when the log can be followed no longer: what is there can be restored, begin another one.
        """
        folder = new_backup_folder(self._backups)
        # Before the base, so that no segment falls between the two.
        receiver = self._receiver(folder / "wal")
        try:
            receiver.start()
            backup = self._take_base(folder)
            self.copy_blobs()
            backup.write()
            taken(backup)
            copied_at = time.monotonic()
            while not stopping():
                receiver.keep()
                if time.monotonic() - copied_at > BLOBS_EVERY_S:
                    self.copy_blobs()
                    copied_at = time.monotonic()
                time.sleep(LOOK_EVERY_S)
            self.copy_blobs()
        finally:
            receiver.stop()

    def copy_blobs(self) -> int:
        """Copies new blobs and drops those erased since; a bucket is copied by its own tools."""
        if self._settings.object_store_url:
            return 0
        erased = {entry.workspace_id for entry in register_of(self._settings).entries()}
        target = blobs_of(self._backups)
        forget(target, erased)
        return copy_missing(self._settings.data / "blobs", target, erased=erased)

    def _take_base(self, folder: Path) -> Backup:
        with psycopg.connect(self._settings.app_database_url) as connection:
            row = connection.execute(
                "SELECT (SELECT log_id FROM log_identity), coalesce(max(position), 0) FROM events"
            ).fetchone()
        assert row is not None
        options = ("--wal-method=stream", "--checkpoint=fast", "--no-password")
        command = self._client("pg_basebackup", "--pgdata", str(folder / "base"), *options)
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(folder)
            raise BackupFailed("pg_basebackup", done.stderr)
        return Backup(folder, rfc3339(utc_now()), str(row[0]), row[1], SUPERUSERS_FILE)

    def _receiver(self, wal: Path) -> WalReceiver:
        """Streams without a slot: a receiver that is away must not fill the database's disk."""
        options = ("--synchronous", "--no-loop", "--no-password")
        command = self._client("pg_receivewal", "--directory", str(wal), *options)
        return WalReceiver(command, self._environment(), wal)

    def _client(self, program: str, *arguments: str) -> list[str]:
        return client_command(self._programs, program, self._url, *arguments)

    def _environment(self) -> dict[str, str]:
        """Passes the password by environment: other users may read a process's arguments."""
        password = conninfo_to_dict(self._url).get("password")
        return {**os.environ, "PGPASSWORD": str(password), "LC_ALL": "C"}


def require_embedded(settings: Settings) -> None:
    """Raises NotOurDatabase."""
    if settings.has_own_database:
        raise NotOurDatabase


def client_command(
    programs: PostgresPrograms, program: str, url: str, *arguments: str
) -> list[str]:
    address = conninfo_to_dict(url)
    return [
        programs.program(program),
        *("--host", str(address["host"]), "--port", str(address["port"])),
        *("--username", str(address["user"])),
        *arguments,
    ]
