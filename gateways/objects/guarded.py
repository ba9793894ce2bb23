"""An object store that keeps nothing for a workspace that is being erased, whoever writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from gateways.ports.objects import LocalCopy, ObjectStore, PresignedPut


class Guard(Protocol):
    """`commands.closing.WorkspaceLocks`"""

    def writing(self, workspace_id: str, /) -> AbstractContextManager[None]: ...

    def emptying(self, workspace_id: str, /) -> AbstractContextManager[None]: ...


class GuardedObjectStore:
    """Writes only while the guard allows it; reading goes straight through."""

    def __init__(self, store: ObjectStore, guard: Guard) -> None:
        self._store, self._guard = store, guard
        self.staging = store.staging

    def writing(self, workspace_id: str) -> AbstractContextManager[None]:
        return self._guard.writing(workspace_id)

    def emptying(self, workspace_id: str) -> AbstractContextManager[None]:
        return self._guard.emptying(workspace_id)

    def staged(self, kind: str, workspace_id: str) -> Path:
        return self._store.staged(kind, workspace_id)

    def put_file(self, workspace_id: str, sha256: str, source: Path) -> None:
        with self.writing(workspace_id):
            self._store.put_file(workspace_id, sha256, source)

    def put_bytes(self, workspace_id: str, sha256: str, data: bytes) -> None:
        with self.writing(workspace_id):
            self._store.put_bytes(workspace_id, sha256, data)

    def take_in(self, workspace_id: str, name: str, sha256: str, size_bytes: int) -> None:
        with self.writing(workspace_id):
            self._store.take_in(workspace_id, name, sha256, size_bytes)

    def local_copy(self, workspace_id: str, sha256: str) -> LocalCopy:
        return self._local_copy(workspace_id, sha256)

    @contextmanager
    def _local_copy(self, workspace_id: str, sha256: str) -> Iterator[Path]:
        copy = self._store.local_copy(workspace_id, sha256)
        # Guarded until the copy is whole: the half copy of a killed process would stay.
        with self.writing(workspace_id):
            path = copy.__enter__()
        try:
            yield path
        finally:
            copy.__exit__(None, None, None)

    def delete_workspace(self, workspace_id: str) -> int:
        with self.emptying(workspace_id):
            return self._store.delete_workspace(workspace_id)

    def size(self, workspace_id: str, sha256: str) -> int | None:
        return self._store.size(workspace_id, sha256)

    def read_range(
        self, workspace_id: str, sha256: str, start: int, length: int
    ) -> Iterator[bytes]:
        return self._store.read_range(workspace_id, sha256, start, length)

    def read(self, workspace_id: str, sha256: str) -> bytes:
        return self._store.read(workspace_id, sha256)

    def delete(self, workspace_id: str, sha256: str) -> None:
        self._store.delete(workspace_id, sha256)

    @property
    def takes_puts(self) -> bool:
        return self._store.takes_puts

    def presign_put(
        self, workspace_id: str, name: str, *, sha256: str, size_bytes: int, expires_s: int
    ) -> PresignedPut:
        return self._store.presign_put(
            workspace_id, name, sha256=sha256, size_bytes=size_bytes, expires_s=expires_s
        )

    def drop_put(self, workspace_id: str, name: str) -> None:
        self._store.drop_put(workspace_id, name)
