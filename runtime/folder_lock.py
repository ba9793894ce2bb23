"""One owner at a time for a folder."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import BinaryIO

from runtime.errors import EngineBusy

LOOKERS_PATIENCE_S = 2.0


class FolderLock:
    """Held by one process; the kernel frees it however that process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def take(self) -> None:
        """Raises EngineBusy when another live process holds it.

        Somebody who only looks (`is_held`) holds it for an instant, so it is tried for a while.
        """
        if self._file:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = self._path.open("ab")
        deadline = time.monotonic() + LOOKERS_PATIENCE_S
        while not _locked(lock_file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                lock_file.close()
                raise EngineBusy(self._path)
            time.sleep(0.02)
        self._file = lock_file

    def is_held(self) -> bool:
        """True if some process holds it now."""
        try:
            with self._path.open("rb") as lock_file:
                return not _locked(lock_file, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._file:
            self._file.close()
            self._file = None


def _locked(lock_file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(lock_file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
