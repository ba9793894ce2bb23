"""Where uploads gather until they are whole: files in a folder beside the object store's."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from events.errors import NoCultureError
from events.store.subject_keys import SubjectGone
from gateways.ports.objects import ObjectStore
from kit.cores import every_core

MAX_FILENAME = 500
MAX_PATH = 2000
READ_BYTES = 1024 * 1024
DIGEST_PIECE_BYTES = 8 * READ_BYTES
_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:")
# Families of emoji, Persian and Indic words are spelt with these two; whatever else is not seen
# only hides what a name says.
_JOINERS = "\u200c\u200d"
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


class FileTooLarge(NoCultureError):
    status, code = 413, "file-too-large"

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"Files up to {limit_bytes} bytes are accepted: split or compress it")

    @property
    def details(self) -> dict[str, object]:
        return {"limit_bytes": self.limit_bytes}


class EmptyFile(NoCultureError):
    status, code = 422, "empty-file"

    def __init__(self) -> None:
        super().__init__("The file is empty: choose one that holds audio")


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A whole file that is not yet in the object store."""

    path: Path
    sha256: str
    size_bytes: int


class Staging:
    """`objects` is the store that the files go to; it says who may still write."""

    def __init__(self, objects: ObjectStore, max_bytes: int) -> None:
        self._objects, self.max_bytes = objects, max_bytes
        self.folder = objects.staging

    def receive(self, workspace_id: str) -> Receiving:
        """A new file of the workspace. Raises SubjectGone (410)."""
        path = self._objects.staged("receiving", workspace_id)
        with self._objects.writing(workspace_id):
            return Receiving(path, path.open("xb"), self.max_bytes)


class Receiving:
    """A context: `write` what arrives, then `finish`; what was not moved on is deleted."""

    def __init__(self, path: Path, file: BinaryIO, max_bytes: int) -> None:
        self._path, self._file, self._max_bytes = path, file, max_bytes
        self._sha256, self._size_bytes = hashlib.sha256(), 0

    def __enter__(self) -> Receiving:
        return self

    def write(self, pieces: Iterable[bytes]) -> None:
        """Raises FileTooLarge (413), SubjectGone (410) once an erasure has deleted the file."""
        with every_core():
            for piece in pieces:
                self._size_bytes += len(piece)
                if self._size_bytes > self._max_bytes:
                    raise FileTooLarge(self._max_bytes)
                self._refuse_deleted()
                self._sha256.update(piece)
                self._file.write(piece)

    def finish(self) -> StagedFile:
        """Raises EmptyFile (422), SubjectGone (410)."""
        if self._size_bytes == 0:
            raise EmptyFile
        self._refuse_deleted()
        self._file.close()
        return StagedFile(self._path, self._sha256.hexdigest(), self._size_bytes)

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _refuse_deleted(self) -> None:
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise SubjectGone


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with every_core(), path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of(pieces: Iterable[bytes]) -> bytes:
    """SHA-256 over the SHA-256 of each 8 MiB of the bytes, the last of them as long as it is.

    A browser hashes only what it holds whole, so a large file must be proven piece by piece.
    """
    whole, part, room = hashlib.sha256(), hashlib.sha256(), DIGEST_PIECE_BYTES
    with every_core():
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                taken, rest = rest[:room], rest[room:]
                part.update(taken)
                room -= len(taken)
                if room == 0:
                    whole.update(part.digest())
                    part, room = hashlib.sha256(), DIGEST_PIECE_BYTES
    if room < DIGEST_PIECE_BYTES:
        whole.update(part.digest())
    return whole.digest()


def read_range(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(min(READ_BYTES, end - file.tell())):
            yield chunk


def clean_filename(sent: str | None) -> str:
    """Cleans a sent file name to be shown: no folders, no control characters, 500 characters.

    The name is metadata: no path is ever made of it.
    """
    return _clean(re.split(_SEPARATORS, sent or "")[-1]) or "untitled"


def clean_path(sent: str | None) -> str | None:
    """Where a file lay in the folder that was chosen, as `Song A/Kick.wav`; None for a lone file.

    Each part is cleaned as a file name is. Of a path that is too long the folders nearest to the
    file stay. Only metadata, as the name is.
    """
    parts = [part for each in re.split(_SEPARATORS, sent or "") if (part := _clean(each))]
    while len("/".join(parts)) > MAX_PATH:
        del parts[0]
    while parts and _DRIVE.fullmatch(parts[0]):
        del parts[0]
    return "/".join(parts) if len(parts) > 1 else None


def _clean(sent: str) -> str:
    """One part of a path; empty where nothing is left that can be seen."""
    kept = "".join(c for c in sent if c in _JOINERS or unicodedata.category(c) not in _UNSEEN)
    # Behind the controls, for without one between them two characters may be composed.
    name = unicodedata.normalize("NFC", kept).strip()
    if "".join(c for c in name if c not in _JOINERS and not c.isspace()) in ("", ".", ".."):
        return ""
    if len(name) <= MAX_FILENAME:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        return name[:MAX_FILENAME].strip()
    return stem[: MAX_FILENAME - len(extension) - 1] + "." + extension
