"""A folder of backups: `<taken at>/base`, `<taken at>/wal`, and `blobs`, shared by all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from events.times import rfc3339
from runtime.errors import RuntimeProblem
from runtime.state import write_private

SUMMARY = "backup.json"
SUPERUSERS_FILE = "postgres_admin_password"


class NoSuchBackup(RuntimeProblem):
    code = "no-such-backup"

    def __init__(self, folder: Path, to: datetime | None) -> None:
        until = f" that was finished by {rfc3339(to)}" if to else ""
        super().__init__(f"{folder} holds no whole backup{until}: `./noculture backup` makes one")


class BackupFailed(RuntimeProblem):
    code = "backup-failed"

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"{program} says: {reason.strip()[-500:]}; run the backup again")


@dataclass(frozen=True, slots=True)
class Backup:
    """`head` is in it, `taken_at` (RFC 3339) is when it was whole; `wal` holds what came after.
    `opened_by` is the secret of its superuser, which was the owner in backups of before.
    """

    folder: Path
    taken_at: str
    log_id: str
    head: int
    opened_by: str = "postgres_owner_password"

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def write(self) -> None:
        """Writes the summary, last of all: a backup without one was interrupted."""
        write_private(self.folder / SUMMARY, json.dumps(self.as_json(), indent=1))

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"folder": str(self.folder)}


def blobs_of(backups: Path) -> Path:
    return backups / "blobs"


def new_backup_folder(backups: Path) -> Path:
    """Makes a folder named by the time, so that names sort as backups do."""
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = backups / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    (folder / "wal").mkdir(mode=0o700, parents=True)
    return folder


def find_backup(backups: Path, to: datetime | None) -> Backup:
    """The newest whole one, or the newest that can be played forward to `to`. Raises
    NoSuchBackup.
    """
    for summary in sorted(backups.glob(f"*/{SUMMARY}"), reverse=True):
        found = json.loads(summary.read_text()) | {"folder": summary.parent}
        if to is None or datetime.fromisoformat(found["taken_at"]) <= to:
            return Backup(**found)
    raise NoSuchBackup(backups, to)
