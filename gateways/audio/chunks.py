"""The chunks of WAV (RIFF, RF64, BW64) and AIFF, and what they say outside of ID3: RIFF INFO, the
Broadcast Wave chunk, AIFF's texts.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

MAX_CHUNKS = 1000
MAX_TEXT_BYTES = 64 * 1024
MAX_LIST_BYTES = 1024 * 1024
MAX_ID3_BYTES = 256 * 1024 * 1024
AIFF_TEXTS = (b"NAME", b"AUTH", b"(c) ", b"ANNO")
SOUND = (b"data", b"SSND")
# EBU Tech 3285: description, originator, its reference, date; then time and loudness.
BEXT = struct.Struct("<256s32s32s10s")
_FORMS = {
    **{(form, b"WAVE"): "<" for form in (b"RIFF", b"RF64", b"BW64")},
    **{(b"FORM", kind): ">" for kind in (b"AIFF", b"AIFC")},
}
_NAME = re.compile(rb"[!-~][ -~]{3}")
_USUAL_NAME = re.compile(rb"[A-Za-z0-9(_][A-Za-z0-9 _()]{3}")
_SEE_DS64 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    """`start` is where its name stands, `end` where the next one begins."""

    name: bytes
    start: int
    size: int
    end: int

    @property
    def data(self) -> int:
        return self.start + 8

    def read(self, file: BinaryIO, most: int) -> bytes:
        file.seek(self.data)
        return file.read(min(self.size, most))


@dataclass(frozen=True, slots=True)
class Form:
    """`order` is how its numbers are written: "<" little-endian, ">" big-endian."""

    name: bytes
    order: str
    chunks: tuple[Chunk, ...]

    def named(self, *names: bytes) -> list[Chunk]:
        return [chunk for chunk in self.chunks if chunk.name in names]


def read_form(file: BinaryIO) -> Form:
    """Raises ValueError for what is neither RIFF WAVE nor AIFF."""
    file.seek(0)
    head = file.read(12)
    order = _FORMS.get((head[:4], head[8:12]))
    if order is None:
        raise ValueError("neither RIFF WAVE nor AIFF")
    end = file.seek(0, os.SEEK_END)
    sizes = _sizes_of_ds64(file) if head[:4] in (b"RF64", b"BW64") else {}
    return Form(head[:4], order, tuple(_walk(file, 12, end, order, sizes)))


def items_of(file: BinaryIO, info: Chunk) -> list[Chunk]:
    """The texts of one LIST chunk of the kind INFO; none of another kind."""
    if info.read(file, 4) != b"INFO":
        return []
    end = info.data + min(info.size, MAX_LIST_BYTES)
    return list(_walk(file, info.data + 4, end, "<", {}))


def read_texts(file: BinaryIO, form: Form) -> dict[str, list[str]]:
    """By the chunk's name: "INAM", "bext:description", "NAME"."""
    found: dict[str, list[str]] = {}
    for chunk in form.chunks:
        for key, data in _texts(file, chunk):
            found.setdefault(key, []).append(text_of(data))
    return found


def text_of(data: bytes) -> str:
    """Up to the first NUL: UTF-8 as today's programs write, else Windows' code page."""
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _texts(file: BinaryIO, chunk: Chunk) -> Iterator[tuple[str, bytes]]:
    if chunk.name == b"LIST":
        for item in items_of(file, chunk):
            yield item.name.decode("latin-1").upper(), item.read(file, MAX_TEXT_BYTES)
    elif chunk.name == b"bext" and chunk.size >= BEXT.size:
        data = chunk.read(file, BEXT.size)
        if len(data) == BEXT.size:
            description, originator, _, date = BEXT.unpack(data)
            yield "bext:description", description
            yield "bext:originator", originator
            yield "bext:date", date
    elif chunk.name in AIFF_TEXTS:
        yield chunk.name.decode(), chunk.read(file, MAX_TEXT_BYTES)


def _sizes_of_ds64(file: BinaryIO) -> dict[bytes, int]:
    """EBU Tech 3306: the sizes that 32 bits cannot hold, in the first chunk."""
    file.seek(12)
    name, size, _, data, _, more = struct.unpack("<4sIQQQI", file.read(36))
    if name != b"ds64" or size < 28:
        raise ValueError("an RF64 without its ds64 chunk")
    table = file.read(12 * min(more, MAX_CHUNKS))
    whole = len(table) - len(table) % 12
    return {**dict(struct.iter_unpack("<4sQ", table[:whole])), b"data": data}


def _walk(
    file: BinaryIO, at: int, end: int, order: str, sizes: Mapping[bytes, int]
) -> Iterator[Chunk]:
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8 or at + 8 > end or not _NAME.fullmatch(header[:4]):
            return
        name, size = struct.unpack(f"{order}4sI", header)
        size = sizes.get(name, size) if size == _SEE_DS64 else size
        after = at + 8 + size
        if size % 2 and after < end:
            after += _padding(file, after, end, order)
        yield Chunk(name, at, size, min(after, end))
        at = after


def _padding(file: BinaryIO, at: int, end: int, order: str) -> int:
    """1 behind an odd size, as the format asks; 0 where a program forgot it and the next chunk
    begins at once.
    """
    file.seek(at)
    header = file.read(8)
    if len(header) < 8 or not _USUAL_NAME.fullmatch(header[:4]):
        return 1
    (size,) = struct.unpack(f"{order}I", header[4:])
    return 0 if at + 8 + size <= end or size == _SEE_DS64 else 1
