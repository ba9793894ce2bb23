"""The files of some folders, each named or refused by name: no entry ends the walk of the others.

Nothing is opened here but folders. A link is followed after all that lies in the folders
themselves, so that a file is found where it is and not where a link leads to it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commands.vault.staging import clean_filename
from events.errors import NoCultureError

# An event holds no longer path.
MAX_PATH = 2000
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and its path as browsers give it for a dropped folder: the folder's name comes first.

    `path` is None for a file that was named itself.
    """

    file: Path
    path: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """`path` as it was found; `code` and `reason` as the vault says them."""

    path: str
    code: str
    reason: str


@dataclass(slots=True)
class Walked:
    files: list[Found] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class NoSuchFolder(NoCultureError):
    status, code = 422, "no-such-folder"
    exit_code = 2

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is neither a folder nor a file: check the name")


def walk(roots: Sequence[Path]) -> Walked:
    """Every file under the roots in name order, without hidden ones. Raises NoSuchFolder."""
    walk = _Walk()
    for root in roots:
        walk.begin(root)
    walk.follow_links()
    return walk.walked


class _Walk:
    def __init__(self) -> None:
        self.walked = Walked()
        # Folders by device and inode: the same one may be reached over many names.
        self._seen: set[tuple[int, int]] = set()
        self._links: deque[tuple[Path, str]] = deque()

    def begin(self, root: Path) -> None:
        """A root may be a link or hidden: whoever names it means it."""
        try:
            mode = os.stat(root).st_mode
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoSuchFolder(root) from error
        except OSError as error:
            self._refuse_closed(root, error)
            return
        if stat.S_ISDIR(mode):
            self._walk(root, os.path.basename(os.path.abspath(root)))
        else:
            self._file(root, None, mode)

    def follow_links(self) -> None:
        """Look into each linked folder once; there may be more links in it."""
        while self._links:
            link, path = self._links.popleft()
            target, place = os.path.realpath(link), os.path.realpath(link.parent)
            if os.path.commonpath((target, place)) == target:
                self._refuse(link, "link-loop", "The link leads back to a folder that it lies in.")
            else:
                self._walk(link, path)

    def _walk(self, folder: Path, path: str) -> None:
        """Walks in name order, depth first, on its own stack: Python calls do not go as deep."""
        waiting = self._opened(folder, path)
        while waiting:
            entry, path = waiting.pop()
            try:
                mode = os.lstat(entry).st_mode
                if stat.S_ISLNK(mode):
                    mode = os.stat(entry).st_mode
                    if stat.S_ISDIR(mode):
                        self._links.append((entry, path))
                        continue
            except OSError as error:
                self._refuse_closed(entry, error)
                continue
            if stat.S_ISDIR(mode):
                waiting += self._opened(entry, path)
            else:
                self._file(entry, path, mode)

    def _opened(self, folder: Path, path: str) -> list[tuple[Path, str]]:
        """Lists what to look at in a folder, the last name first; hidden entries are no music."""
        if not self._is_new(folder):
            return []
        names: list[str] = []
        try:
            with os.scandir(folder) as entries:
                names += (entry.name for entry in entries)
        except OSError as error:
            self._refuse_closed(folder, error)
        shown = sorted((name for name in names if not name.startswith(".")), reverse=True)
        return [(folder / name, f"{path}/{name}") for name in shown]

    def _is_new(self, folder: Path) -> bool:
        try:
            found = os.stat(folder)
        except OSError as error:
            self._refuse_closed(folder, error)
            return False
        if (found.st_dev, found.st_ino) in self._seen:
            self._refuse(folder, "already-seen", "This folder was looked into under another name.")
            return False
        self._seen.add((found.st_dev, found.st_ino))
        if os.path.exists(folder / "secrets" / "installation_key"):
            self._refuse(folder, "installation", "An installation keeps its data here, not music.")
            return False
        return True

    def _file(self, file: Path, path: str | None, mode: int) -> None:
        if stat.S_ISREG(mode):
            self.walked.files.append(Found(file, path and _kept(path)))
        else:
            # A pipe that nobody writes into would hold up whoever opens it, for ever.
            self._refuse(file, "not-a-file", "A device, pipe or socket holds no recording.")

    def _refuse(self, path: Path, code: str, reason: str) -> None:
        self.walked.refused.append(Refusal(str(path), code, reason))

    def _refuse_closed(self, path: Path, error: OSError) -> None:
        if error.errno in NOWHERE and os.path.islink(path):
            self._refuse(path, "broken-link", f"The link leads nowhere: {error.strerror}.")
        else:
            self._refuse(path, "unreadable", f"It cannot be read: {error.strerror}.")


def as_text(name: str) -> str:
    """A name whose bytes are no UTF-8, with a replacement character for each that is none."""
    return os.fsencode(name).decode("utf-8", "replace")


def _kept(path: str) -> str:
    """The path as the vault keeps it; one that is too long loses its outermost folders."""
    names = [clean_filename(as_text(name)) for name in path.split("/") if name]
    while len("/".join(names)) > MAX_PATH:
        names.pop(0)
    return "/".join(names)
