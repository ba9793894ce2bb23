"""Putting a backup back, up to a moment: the base, then the write-ahead log as far as is wanted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from runtime.backup.blobs import copy_missing
from runtime.backup.folder import Backup, BackupFailed, blobs_of, find_backup
from runtime.backup.taking import require_embedded
from runtime.engines.postgres import EmbeddedPostgres
from runtime.engines.postgres_programs import PostgresPrograms, find_programs
from runtime.erasure_register import register_of
from runtime.errors import RuntimeProblem
from runtime.settings import Settings
from runtime.state import is_running

SECRETS = ("installation_key", "master_key", "postgres_app_password", "postgres_owner_password")
RECOVERY = ("restore_command", "hot_standby", "recovery_target_time", "recovery_target_action")


class StillRunning(RuntimeProblem):
    code = "still-running"

    def __init__(self) -> None:
        super().__init__("It is running: stop it with `./noculture down`, then restore")


class SecretsMissing(RuntimeProblem):
    code = "secrets-missing"

    def __init__(self, folder: Path, names: list[str]) -> None:
        super().__init__(
            f"{folder} lacks {', '.join(names)}: put the secrets back from their own backup first;"
            " new ones open neither the database nor anybody's name"
        )


@dataclass(frozen=True, slots=True)
class Restored:
    """`replaced` is the folder of the database that was here, kept; None if there was none."""

    backup: Backup
    head: int
    blobs: int
    replaced: Path | None


def restore(settings: Settings, backups: Path, to: datetime | None) -> Restored:
    """Restores into an installation that does not run, up to `to` or all that the backup has.

    Raises StillRunning, SecretsMissing, NoSuchBackup, BackupFailed, EngineFailed; then the database
    that was here is where it was.
    """
    require_embedded(settings)
    if is_running(settings.run_dir):
        raise StillRunning
    backup = find_backup(backups, to)
    needed = sorted({*SECRETS, backup.opened_by})
    if missing := [name for name in needed if not (settings.secrets.folder / name).exists()]:
        raise SecretsMissing(settings.secrets.folder, missing)
    cluster = settings.data / "postgres" / "cluster"
    programs = find_programs(cluster)
    _verify(programs, backup)
    restoring = cluster.with_name("cluster.restoring")
    _lay_out(backup, restoring, to, programs.user)
    with _put_in_place(restoring, cluster) as replaced:
        head = _recover(settings)
    erased = {entry.workspace_id for entry in register_of(settings).entries()}
    blobs = 0
    if not settings.object_store_url:
        blobs = copy_missing(blobs_of(backups), settings.data / "blobs", erased=erased)
    return Restored(backup, head, blobs, replaced)


def _verify(programs: PostgresPrograms, backup: Backup) -> None:
    """Checks every file against the checksums that were taken with it."""
    command = [programs.program("pg_verifybackup"), "--quiet", str(backup.base)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BackupFailed("pg_verifybackup", done.stderr)


def _lay_out(
    backup: Backup, folder: Path, to: datetime | None, user: tuple[int, int] | None
) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(backup.base, folder)
    for segment in sorted(backup.wal.iterdir()):
        # Straight to where the server looks: who it runs as may not reach the backups.
        shutil.copyfile(segment, folder / "pg_wal" / segment.name.removesuffix(".partial"))
    wanted = {"restore_command": "false", "hot_standby": "off", "recovery_target_action": "promote"}
    if to:
        wanted["recovery_target_time"] = to.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
    with (folder / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in wanted.items())
    (folder / "recovery.signal").touch()
    folder.chmod(0o700)
    if user:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *user)


@contextmanager
def _put_in_place(restoring: Path, cluster: Path) -> Iterator[Path | None]:
    """Yields where the database that was here is kept; puts it back if the block fails."""
    replaced = None
    if cluster.exists():
        replaced = cluster.with_name(f"cluster.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        cluster.rename(replaced)
    restoring.rename(cluster)
    try:
        yield replaced
    except BaseException:
        cluster.rename(restoring)
        if replaced:
            replaced.rename(cluster)
        raise


def _recover(settings: Settings) -> int:
    """Play the log, become a database of its own, stop; answers the head."""
    log = settings.log_dir / "postgres.log"
    engine = EmbeddedPostgres(settings.data / "postgres", log, settings.secrets)
    try:
        # Connections are refused until it is promoted.
        engine.start()
        with psycopg.connect(engine.admin_url(), autocommit=True) as connection:
            for name in RECOVERY:
                connection.execute(f"ALTER SYSTEM RESET {name}")
            row = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
            connection.execute("CHECKPOINT")
    finally:
        engine.stop()
    return int(row[0]) if row else 0
