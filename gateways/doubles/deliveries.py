"""Passes on what a double was given, a mail into its box, with troubles on the way."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from schemas.doubles import Trouble

_BEHIND_THE_NEXT = "next-"


class Deliveries:
    """`deliver` lets one arrive. Those that are held back lie as files in `folder`, so that the
    double may end meanwhile.
    """

    def __init__(
        self,
        folder: Path,
        deliver: Callable[[bytes], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._deliver, self._now = folder, deliver, now

    def pass_on(self, content: bytes, trouble: Trouble) -> None:
        """Delivers it as the trouble says. One that is `reordered` arrives behind the next."""
        match trouble.kind:
            case "lost":
                return
            case "late":
                self._hold(content, f"{int((self._now() + trouble.seconds) * 1e9):020d}-")
                return
            case "reordered":
                self._hold(content, f"{_BEHIND_THE_NEXT}{time.time_ns():020d}-")
                return
            case "duplicate":
                self._deliver(content)
        self._deliver(content)
        for path in self._held(_BEHIND_THE_NEXT + "*"):
            self._let_go(path)

    def release_due(self) -> None:
        """Delivers the late ones whose time has come."""
        now = f"{int(self._now() * 1e9):020d}"
        for path in self._held():
            if not path.name.startswith(_BEHIND_THE_NEXT) and path.name < now:
                self._let_go(path)

    def are_waiting(self) -> bool:
        return bool(self._held())

    def forget(self, of: Callable[[bytes], bool]) -> int:
        """Deletes those held back that are `of` somebody; answers how many."""
        found = [path for path in self._held() if of(path.read_bytes())]
        for path in found:
            path.unlink()
        return len(found)

    def _held(self, pattern: str = "[!.]*") -> list[Path]:
        return sorted(self._folder.glob(pattern))

    def _hold(self, content: bytes, prefix: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self._folder / f"{prefix}{secrets.token_hex(4)}", content)

    def _let_go(self, path: Path) -> None:
        # Deleted last: a double that is killed between delivers twice, and loses nothing.
        self._deliver(path.read_bytes())
        path.unlink()


def write_private(path: Path, content: bytes) -> None:
    """A new file that only its owner may read; it is whole when it has its name."""
    unfinished = path.with_name(f".{path.name}")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
