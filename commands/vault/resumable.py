"""Resumable uploads: their rows, their staged bytes, and how a whole one becomes an asset.

The size of the staged file is the offset: true also after a killed server that wrote no row.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from aggregates.errors import NotFound
from commands.contexts import correlation_id
from commands.owned import known
from commands.unit import CommandContext
from commands.vault.assets import Assets, Kept
from commands.vault.staged_uploads import UploadId, remove_upload
from commands.vault.staging import (
    EmptyFile,
    FileTooLarge,
    StagedFile,
    Staging,
    digest_of,
    read_range,
    sha256_of,
)
from events.errors import NoCultureError
from events.ids import CommandId
from events.store.subject_keys import SubjectGone
from kit.caller import Caller
from kit.fair import FairQueue

LIFE = timedelta(hours=24)
# So long an expired upload answers 410 before it is forgotten.
REMEMBERED = timedelta(days=7)


class UploadExpired(NoCultureError):
    status, code = 410, "upload-expired"

    def __init__(self) -> None:
        super().__init__("This upload was not continued for a day: start a new one")


class UploadLocked(NoCultureError):
    status, code = 423, "upload-locked"
    retry_after_s = 1

    def __init__(self) -> None:
        super().__init__("Another request is writing to this upload: ask its offset in a second")


class UploadLost(NoCultureError):
    status, code = 410, "upload-lost"

    def __init__(self) -> None:
        super().__init__("The bytes of this upload are no longer here: start a new one")


@dataclass(frozen=True, slots=True)
class Upload:
    upload_id: str
    account_id: str
    workspace_id: str
    filename: str
    metadata: str | None
    size_bytes: int
    expires_at: datetime
    expired: bool
    sha256: str | None
    asset_id: str | None
    duplicate: bool
    promised_sha256: str | None
    path: str | None


_COLUMNS = (
    "upload_id, account_id, workspace_id, filename, metadata, size_bytes, expires_at,"
    " expires_at < now() AS expired, sha256, asset_id, duplicate, promised_sha256, path"
)


class Uploads:
    def __init__(self, pool: ConnectionPool, staging: Staging, assets: Assets) -> None:
        self._pool, self._assets, self._staging = pool, assets, staging

    @property
    def turns(self) -> FairQueue:
        return self._assets.turns

    @property
    def max_bytes(self) -> int:
        return self._staging.max_bytes

    def create(
        self,
        caller: Caller,
        size_bytes: int,
        filename: str,
        metadata: str | None,
        promised_sha256: str | None = None,
        path: str | None = None,
    ) -> Upload:
        """`promised_sha256`: the bytes do not come here but go straight to the object store.
        `path`: where the file lay in the folder that was chosen.

        Raises EmptyFile (422), FileTooLarge and QuotaExceeded (413), SubjectGone (410)."""
        if size_bytes == 0:
            raise EmptyFile
        if size_bytes > self.max_bytes:
            raise FileTooLarge(self.max_bytes)
        self.forget_expired()
        self._assets.quota.check(caller.workspace_id, size_bytes)
        upload_id = UploadId.new()
        # The row comes last: an erasure finds by it what it must delete.
        with (
            self._assets.objects.writing(caller.workspace_id),
            self._pool.connection() as connection,
        ):
            if promised_sha256 is None:
                self.path(upload_id).touch(exist_ok=False)
            connection.execute(
                "INSERT INTO uploads (upload_id, account_id, workspace_id, filename, metadata,"
                " size_bytes, promised_sha256, path, expires_at)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now() + %s)",
                (
                    upload_id,
                    caller.account_id,
                    caller.workspace_id,
                    filename,
                    metadata,
                    size_bytes,
                    promised_sha256,
                    path,
                    LIFE,
                ),
            )
        return self.find(caller, upload_id)

    def find(self, caller: Caller, upload_id: str) -> Upload:
        """The caller's own upload. Raises NotFound (404), UploadExpired (410)."""
        key = known(UploadId, upload_id, "The upload")
        with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(Upload))
            cursor.execute(
                f"SELECT {_COLUMNS} FROM uploads WHERE upload_id = %s AND account_id = %s",
                (key, caller.account_id),
            )
            upload = cursor.fetchone()
        if upload is None:
            raise NotFound("The upload")
        if upload.expired and upload.asset_id is None:
            raise UploadExpired
        return upload

    def offset(self, upload: Upload) -> int:
        """Bytes that are safely here. Raises UploadLost (410)."""
        if upload.sha256 is not None:
            return upload.size_bytes
        try:
            return self.path(upload.upload_id).stat().st_size
        except FileNotFoundError as error:
            raise UploadLost from error

    def digest(self, caller: Caller, upload_id: str, start: int) -> tuple[int, bytes | None]:
        """(offset, `digest_of` the bytes from `start` to there; None if fewer arrived).

        Raises NotFound (404), UploadExpired and UploadLost (410), UploadLocked (423).
        """
        with self.locked(self.find(caller, upload_id)):
            upload = self.find(caller, upload_id)
            end, path = self.offset(upload), self.path(upload_id)
            if start > end:
                return end, None
            if path.exists():
                self._to_disk(upload)  # what is proven must outlive a loss of power
                return end, digest_of(read_range(path, start, end))
            if upload.sha256 is None:
                raise UploadLost
            of_blob = upload.workspace_id, upload.sha256
            return end, digest_of(self._assets.objects.read_range(*of_blob, start, end - start))

    @contextmanager
    def locked(self, upload: Upload) -> Iterator[None]:
        """One writer an upload, over all processes of the machine; a killed one lets go.

        Raises UploadLocked (423).
        """
        path = self._lock_path(upload.upload_id)
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UploadLocked from error
            try:
                yield
            except (UploadLost, NotFound, SubjectGone):
                path.unlink(missing_ok=True)
                raise

    def append(self, upload: Upload, pieces: Iterable[bytes]) -> None:
        """Raises UploadLost (410)."""
        with self._opened(upload, os.O_WRONLY | os.O_APPEND) as file:
            for piece in pieces:
                file.write(piece)

    def append_file(self, upload: Upload, checked: BinaryIO) -> None:
        """Add a piece whose checksum was right; a crash keeps a right beginning of it."""
        checked.seek(0)
        self.append(upload, iter(lambda: checked.read(1024 * 1024), b""))

    def cut(self, upload: Upload, offset: int) -> None:
        with self._opened(upload, os.O_WRONLY) as file:
            file.truncate(offset)

    def aside(self) -> BinaryIO:
        """Where a piece waits whose checksum is not known to be right yet. Without a name: it is
        gone with its request, whatever becomes of the process.
        """
        return cast(BinaryIO, TemporaryFile(dir=self._staging.folder))

    def _opened(self, upload: Upload, flags: int) -> BinaryIO:
        """Never made here: where it is gone, somebody has deleted it. Raises UploadLost (410)."""
        try:
            descriptor = os.open(self.path(upload.upload_id), flags)
        except FileNotFoundError as error:
            raise UploadLost from error
        return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "wb")

    def settle(self, upload: Upload) -> datetime:
        """After a piece: its bytes are on the disk, the upload lives another day."""
        self._to_disk(upload)
        with self._pool.connection() as connection:
            row = connection.execute(
                "UPDATE uploads SET expires_at = now() + %s WHERE upload_id = %s"
                " RETURNING expires_at",
                (LIFE, upload.upload_id),
            ).fetchone()
        if row is None:
            raise NotFound("The upload")
        expires_at: datetime = row[0]
        return expires_at

    def _to_disk(self, upload: Upload) -> None:
        with self._opened(upload, os.O_RDONLY) as file:
            os.fsync(file.fileno())

    def finish(self, caller: Caller, upload: Upload) -> Kept:
        """Make the asset of a whole upload; again after a crash it gives the same asset."""
        path = self.path(upload.upload_id)
        sha256 = upload.sha256 or upload.promised_sha256
        if sha256 is None:
            sha256 = self._sha256_of(path)
            # Before the bytes move: from here on their absence in staging is no loss.
            self._set(upload, "sha256 = %s", sha256)
        context = CommandContext(
            actor=caller.account_id,
            tenant=caller.workspace_id,
            command_id=CommandId.derived("upload", upload.upload_id),
            correlation_id=correlation_id(),
        )
        if path.exists():
            staged = StagedFile(path, sha256, upload.size_bytes)
            kept = self._assets.keep(caller, upload.filename, staged, context, upload.path)
        else:
            of_blob = sha256, upload.size_bytes
            kept = self._assets.record(caller, upload.filename, *of_blob, context, upload.path)
        self._set(upload, "asset_id = %s, duplicate = %s", kept.answer.id, kept.answer.duplicate)
        return kept

    def _sha256_of(self, path: Path) -> str:
        try:
            return sha256_of(path)
        except FileNotFoundError as error:
            raise UploadLost from error

    def arrived(self, upload: Upload, sha256: str) -> None:
        """The object store holds the whole file."""
        self._set(upload, "sha256 = %s", sha256)

    def cancel(self, upload: Upload) -> None:
        """Forget it and its bytes; an asset it became stays."""
        if upload.promised_sha256 is not None:
            self._assets.objects.drop_put(upload.workspace_id, upload.upload_id)
        # The row last: bytes without a row would be nobody's.
        self._remove_files(upload.upload_id)
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM uploads WHERE upload_id = %s", (upload.upload_id,))

    def forget_expired(self) -> None:
        """Delete the bytes of expired uploads at once, their rows a week later."""
        with self._pool.connection() as connection:
            expired = connection.execute(
                "SELECT upload_id, workspace_id, promised_sha256 FROM uploads"
                " WHERE expires_at < now() AND NOT cleared LIMIT 100"
            ).fetchall()
            connection.execute(
                "DELETE FROM uploads WHERE cleared AND expires_at < now() - %s", (REMEMBERED,)
            )
        if not expired:
            return
        for upload_id, workspace_id, promised_sha256 in expired:
            self._remove_files(upload_id)
            if promised_sha256 is not None:
                self._assets.objects.drop_put(workspace_id, upload_id)
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE uploads SET cleared = true WHERE upload_id = ANY(%s)"
                " AND expires_at < now()",
                ([upload_id for upload_id, _, _ in expired],),
            )

    def path(self, upload_id: str) -> Path:
        return self._staging.folder / UploadId(upload_id)

    def _lock_path(self, upload_id: str) -> Path:
        return self.path(upload_id).with_suffix(".lock")

    def _remove_files(self, upload_id: str) -> None:
        remove_upload(self._staging.folder, upload_id)

    def _set(self, upload: Upload, assignments: str, *values: object) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                f"UPDATE uploads SET {assignments} WHERE upload_id = %s",
                (*values, upload.upload_id),
            )
