"""Bytes of recordings and of what is made of them, in a folder or in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LocalCopy = AbstractContextManager[Path]


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """`headers` must be sent exactly so: the signature covers them."""

    url: str
    headers: dict[str, str]


class ObjectStore(Protocol):
    """Content-addressed bytes under `<workspace>/<sha256>`; never shared between workspaces.

    `staging` is a local folder for files on their way in.
    """

    staging: Path

    def writing(self, workspace_id: str) -> AbstractContextManager[None]:
        """Held while something of the workspace is written; the writers here hold it themselves.

        A guarded store raises SubjectGone (410) once the erasure of the workspace was asked for.
        """
        ...

    def emptying(self, workspace_id: str) -> AbstractContextManager[None]:
        """Held while the workspace is emptied: nobody writes meanwhile."""
        ...

    def staged(self, kind: str, workspace_id: str) -> Path:
        """A new name in the staging folder that says whose file it is, should it be left there."""
        ...

    def put_file(self, workspace_id: str, sha256: str, source: Path) -> None:
        """Move or copy a finished local file in; the same content twice is no error."""
        ...

    def put_bytes(self, workspace_id: str, sha256: str, data: bytes) -> None: ...

    def size(self, workspace_id: str, sha256: str) -> int | None:
        """Bytes, None if absent."""
        ...

    def read_range(
        self, workspace_id: str, sha256: str, start: int, length: int
    ) -> Iterator[bytes]:
        """Chunks of at most 256 KiB. Raises BlobNotFound."""
        ...

    def read(self, workspace_id: str, sha256: str) -> bytes: ...

    def local_copy(self, workspace_id: str, sha256: str) -> LocalCopy:
        """A context manager giving a local path for tools that need a file.

        Temporary unless the store is local.
        """
        ...

    def delete(self, workspace_id: str, sha256: str) -> None: ...

    @property
    def takes_puts(self) -> bool:
        """Whether others may send objects straight here, by `presign_put`."""
        ...

    def presign_put(
        self, workspace_id: str, name: str, *, sha256: str, size_bytes: int, expires_s: int
    ) -> PresignedPut:
        """Where one PUT of exactly these bytes may be sent; `name` is the upload's id."""
        ...

    def take_in(self, workspace_id: str, name: str, sha256: str, size_bytes: int) -> None:
        """Makes a blob of what was sent under `name`. Raises NotArrived (409), NotAsPromised (422).

        The content is read and hashed: not every store checks what it was told.
        """
        ...

    def drop_put(self, workspace_id: str, name: str) -> None:
        """Forget what was sent, if anything."""
        ...

    def delete_workspace(self, workspace_id: str) -> int:
        """Everything of it, and what it has in staging; answers how many blobs there were."""
        ...
