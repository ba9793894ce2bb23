"""One owner at a time for a folder."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import BinaryIO

from runtime.errors import EngineBusy


class FolderLock:
    """One owner at a time for a data folder; the kernel frees it however the owner ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def take(self) -> None:
        """Raises EngineBusy when another live process holds it."""
        if self._file:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = self._path.open("ab")
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock_file.close()
            raise EngineBusy(self._path) from error
        self._file = lock_file

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
