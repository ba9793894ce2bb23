"""The object store in a folder, `<workspace>/<sha256[:2]>/<sha256>`: whole files or none."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from gateways.ports.objects import LocalCopy, PresignedPut
from schemas.errors import NoCultureError

CHUNK_BYTES = 256 * 1024
_WORKSPACE = re.compile(r"wsp_[0-9a-f]{32}")
_UPLOAD = re.compile(r"upl_[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STAGED = re.compile(rf"[a-z]+-({_WORKSPACE.pattern})-[0-9a-f]+")


class BlobNotFound(NoCultureError):
    status, code = 404, "blob-not-found"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The bytes of {sha256:.12}… are not stored here: upload the file again")


class NotArrived(NoCultureError):
    status, code = 409, "not-arrived"

    def __init__(self) -> None:
        super().__init__(
            "The file has not arrived at the store yet: send the file, then complete the upload"
        )


class NotAsPromised(NoCultureError):
    status, code = 422, "not-as-promised"

    def __init__(self) -> None:
        super().__init__(
            "The file that arrived differs from the announced one, by its length or its SHA-256:"
            " start a new upload"
        )


def put_key(workspace_id: str, name: str) -> str:
    """Where a file waits that was sent straight to the store."""
    if not _UPLOAD.fullmatch(name):
        raise ValueError("what is sent straight to the store is named by its upload")
    return f"{workspace_folder(workspace_id)}/incoming/{name}"


def blob_key(workspace_id: str, sha256: str) -> str:
    """The blob's path in any store. Raises ValueError on anything that could lead elsewhere."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a blob is addressed by a workspace id and 64 hex digits")
    return f"{workspace_folder(workspace_id)}/{sha256[:2]}/{sha256}"


def workspace_folder(workspace_id: str) -> str:
    """Where all blobs of a workspace are. Raises ValueError on anything that is no such id."""
    if not _WORKSPACE.fullmatch(workspace_id):
        raise ValueError("a blob is addressed by a workspace id and 64 hex digits")
    return workspace_id


def staged_path(staging: Path, kind: str, workspace_id: str) -> Path:
    """A new name in the staging folder that says whose file it is: a killed process leaves it."""
    return staging / f"{kind}-{workspace_folder(workspace_id)}-{secrets.token_hex(16)}"


def staged_by(staging: Path) -> dict[str, list[Path]]:
    """The files of the staging folder that name their workspace, by workspace."""
    found: dict[str, list[Path]] = {}
    for path in staging.glob("*-wsp_*-*"):
        if named := _STAGED.fullmatch(path.name):
            found.setdefault(named[1], []).append(path)
    return found


def drop_staged(staging: Path, workspace_id: str) -> None:
    """Deletes the workspace's staged files; whoever writes one is told at its next piece."""
    for path in staging.glob(f"*-{workspace_folder(workspace_id)}-*"):
        path.unlink(missing_ok=True)


class Unguarded:
    """A store by itself lets everybody write; `GuardedObjectStore` asks first."""

    staging: Path

    def staged(self, kind: str, workspace_id: str) -> Path:
        return staged_path(self.staging, kind, workspace_id)

    def writing(self, workspace_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def emptying(self, workspace_id: str) -> AbstractContextManager[None]:
        return nullcontext()


class FolderObjectStore(Unguarded):
    """Files arrive by rename after fsync, of their folders too: a crash leaves no half blob."""

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        # Same file system as the blobs: a finished upload is moved, not copied.
        self.staging = self._root / "staging"
        self.staging.mkdir(parents=True, exist_ok=True)

    def put_file(self, workspace_id: str, sha256: str, source: Path) -> None:
        """Moves `source` in; afterwards it is gone from where it was."""
        target = self._prepare(workspace_id, sha256)
        if target.exists():
            source.unlink()
            return
        with source.open("rb") as file:
            os.fsync(file.fileno())
        try:
            source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with self._arriving(workspace_id, target) as file, source.open("rb") as original:
                shutil.copyfileobj(original, file, CHUNK_BYTES)
            source.unlink()
        _sync_folder(target.parent)

    def put_bytes(self, workspace_id: str, sha256: str, data: bytes) -> None:
        target = self._prepare(workspace_id, sha256)
        if target.exists():
            return
        with self._arriving(workspace_id, target) as file:
            file.write(data)
        _sync_folder(target.parent)

    def size(self, workspace_id: str, sha256: str) -> int | None:
        try:
            return self._path(workspace_id, sha256).stat().st_size
        except FileNotFoundError:
            return None

    def read_range(
        self, workspace_id: str, sha256: str, start: int, length: int
    ) -> Iterator[bytes]:
        # Opened before the first chunk is asked for: an absent blob is an error, not an end.
        file = self._open(workspace_id, sha256)
        file.seek(start)
        return _chunks(file, length)

    def read(self, workspace_id: str, sha256: str) -> bytes:
        with self._open(workspace_id, sha256) as file:
            return file.read()

    @contextmanager
    def _local(self, workspace_id: str, sha256: str) -> Iterator[Path]:
        path = self._path(workspace_id, sha256)
        if not path.exists():
            raise BlobNotFound(sha256)
        yield path

    def local_copy(self, workspace_id: str, sha256: str) -> LocalCopy:
        """The stored file itself: read it only."""
        return self._local(workspace_id, sha256)

    takes_puts = False

    def presign_put(
        self, workspace_id: str, name: str, *, sha256: str, size_bytes: int, expires_s: int
    ) -> PresignedPut:
        raise NotImplementedError("a folder has no address")

    def take_in(self, workspace_id: str, name: str, sha256: str, size_bytes: int) -> None:
        raise NotArrived

    def drop_put(self, workspace_id: str, name: str) -> None:
        """Forgets nothing: this store takes no files that are sent straight to it."""

    def delete(self, workspace_id: str, sha256: str) -> None:
        self._path(workspace_id, sha256).unlink(missing_ok=True)

    def delete_workspace(self, workspace_id: str) -> int:
        folder = self._root / workspace_folder(workspace_id)
        blobs = 0
        for path in folder.glob("*/*"):
            path.unlink(missing_ok=True)
            blobs += 1
        # Only names of hashes are left; a blob that arrives this moment keeps its folder.
        for empty in (*folder.glob("*"), folder):
            with suppress(OSError):
                empty.rmdir()
        drop_staged(self.staging, workspace_id)
        return blobs

    def _path(self, workspace_id: str, sha256: str) -> Path:
        return self._root / blob_key(workspace_id, sha256)

    def _open(self, workspace_id: str, sha256: str) -> BinaryIO:
        try:
            return self._path(workspace_id, sha256).open("rb")
        except FileNotFoundError as error:
            raise BlobNotFound(sha256) from error

    def _prepare(self, workspace_id: str, sha256: str) -> Path:
        target = self._path(workspace_id, sha256)
        if not target.parent.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(target.parent.parent)
            _sync_folder(self._root)
        return target

    @contextmanager
    def _arriving(self, workspace_id: str, target: Path) -> Iterator[BinaryIO]:
        unfinished = staged_path(self.staging, "arriving", workspace_id)
        try:
            with unfinished.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def _chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    with file:
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
