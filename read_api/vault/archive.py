"""Several files as one zip that is made while it is sent: never whole in memory or on a disk."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MEDIA_TYPE = "application/zip"
# Files in one zip: as many as a collection holds.
MOST = 500
# Of a file's name, on every usual file system.
MAX_NAME_BYTES = 255
_FORBIDDEN = frozenset('<>:"/\\|?*')
# Marks that turn the direction of text: `exe.3pm` would read as `mp3.exe`.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Names that Windows keeps for its devices, whatever stands behind their first dot.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)
_READABLE_BY_ALL = 0o644 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the zip; `pieces` opens it when its turn has come."""

    name: str
    size_bytes: int
    changed_at: datetime
    pieces: Callable[[], Iterator[bytes]]


class CutOff(Exception):
    """Breaks a transfer whose headers have gone out: its zip must not come to a good end."""

    def __init__(self, entry: Entry, read: int) -> None:
        super().__init__(f"{entry.name} gave {read} of {entry.size_bytes} bytes")


def zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The zip's bytes. Entries are stored: audio does not get smaller. Closed early, it reads no
    further. Raises CutOff when a file is not as long as it should be, and what its pieces raise.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:
        for entry in entries:
            # A stream cannot go back to write the size, so room for a large one is made for all.
            with archive.open(_info(entry), "w", force_zip64=True) as file:
                read = 0
                for piece in entry.pieces():
                    read += len(piece)
                    file.write(piece)
                    yield sink.taken()
                if read != entry.size_bytes:
                    raise CutOff(entry, read)
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """Keeps what a ZipFile writes until it is taken; without `tell` it is a stream to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Does nothing: nothing is held back."""

    def close(self) -> None:
        """Does nothing: what is left is still to be taken."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _info(entry: Entry) -> ZipInfo:
    info = ZipInfo(entry.name, entry.changed_at.astimezone(UTC).timetuple()[:6])
    info.external_attr, info.create_system = _READABLE_BY_ALL, _UNIX
    return info


def safe_names(filenames: Iterable[str]) -> Sequence[str]:
    """Names for one folder of any system: no path, no two alike where case does not count."""
    taken: set[str] = set()
    names = []
    for filename in filenames:
        wanted, number = safe_name(filename), 1
        name = wanted
        while name.casefold() in taken:
            number += 1
            name = _shortened(wanted, f" ({number})")
        taken.add(name.casefold())
        names.append(name)
    return names


def safe_name(filename: str) -> str:
    """The name as Windows, macOS and Linux take it, without the folders it came with."""
    last = unicodedata.normalize("NFC", filename).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join("_" if _is_bad(c) else c for c in last if c not in _TURNING)
    name = kept.strip().rstrip(". ") or "track"
    if name.split(".", 1)[0].strip().casefold() in _DEVICES:
        name = f"_{name}"
    return _shortened(name, "")


def _is_bad(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) in ("Cc", "Cs")


def _shortened(name: str, mark: str) -> str:
    """The name with a mark before its suffix, cut so that both fit; no letter is cut in two."""
    suffix = PurePath(name).suffix
    if len(suffix.encode()) > MAX_NAME_BYTES // 2:
        suffix = ""
    room = MAX_NAME_BYTES - len((mark + suffix).encode())
    stem = name.removesuffix(suffix).encode()[:room].decode(errors="ignore")
    return f"{stem.rstrip('. ') if len(stem) < len(name) - len(suffix) else stem}{mark}{suffix}"
