"""A file on top of one that is only read: the child that parses foreign bytes writes no file.

What is written is kept in memory, except for what was only moved, which is noted by its place: tags
at the beginning of 2 GiB of sound grow in flat memory.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Piece:
    """`length` bytes of the file below from `start`, or of `written` where that is not None."""

    start: int
    length: int
    written: bytes | None = None

    def cut(self, begin: int, end: int) -> _Piece:
        return replace(self, start=self.start + begin, length=end - begin)


class Patched(io.RawIOBase):
    def __init__(self, below: BinaryIO) -> None:
        self._below = below
        size = below.seek(0, os.SEEK_END)
        self._pieces = [_Piece(0, size)] if size else []
        self._at = 0
        self._last_read: tuple[bytes, list[_Piece]] = (b"", [])

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size()}[whence]
        if base + offset < 0:
            raise OSError("a seek before the beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        end = self._size() if size is None or size < 0 else min(self._at + size, self._size())
        pieces = self._between(self._at, end)
        data = b"".join(map(self._bytes, pieces))
        self._last_read = data, pieces
        self._at += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Writes bytes; of the very object that was read last only the place is noted: it was
        moved."""
        if not data:
            return 0
        read, pieces = self._last_read
        added = pieces if data is read else [_Piece(0, len(data), bytes(data))]
        size, end = self._size(), self._at + len(data)
        if self._at > size:
            added = [_Piece(0, self._at - size, bytes(self._at - size)), *added]
        before, after = self._between(0, self._at), self._between(end, size)
        self._pieces = [piece for piece in (*before, *added, *after) if piece.length]
        self._at = end
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        size = self._at if size is None else size
        self._pieces = self._between(0, size)
        return size

    def replace(self, start: int, end: int, data: bytes) -> None:
        """Put `data` where the bytes from start to end are; what follows moves."""
        before, after = self._between(0, start), self._between(end, self._size())
        added = [_Piece(0, len(data), data)] if data else []
        self._pieces = [*before, *added, *after]

    def chunks(self) -> Iterator[bytes]:
        """All of it, 64 KiB at a time."""
        self.seek(0)
        while chunk := self.read(CHUNK_BYTES):
            yield chunk

    def _size(self) -> int:
        return sum(piece.length for piece in self._pieces)

    def _between(self, start: int, end: int) -> list[_Piece]:
        found, at = [], 0
        for piece in self._pieces:
            begin, stop = max(start - at, 0), min(end - at, piece.length)
            if begin < stop:
                found.append(piece.cut(begin, stop))
            at += piece.length
            if at >= end:
                break
        return found

    def _bytes(self, piece: _Piece) -> bytes:
        if piece.written is not None:
            return piece.written[piece.start : piece.start + piece.length]
        self._below.seek(piece.start)
        return self._below.read(piece.length)
