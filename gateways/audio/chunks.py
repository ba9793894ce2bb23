"""What WAV and AIFF say outside of ID3: RIFF INFO, the Broadcast Wave chunk, AIFF's texts."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_CHUNKS = 1000
MAX_TEXT_BYTES = 64 * 1024
_AIFF_TEXTS = (b"NAME", b"AUTH", b"(c) ", b"ANNO")
# EBU Tech 3285: description, originator, its reference, date; then time and loudness.
_BEXT = struct.Struct("<256s32s32s10s")


def read_chunks(file: BinaryIO) -> dict[str, list[str]]:
    """Texts by the chunk's name ("INAM", "bext:description", "NAME"). Raises ValueError."""
    file.seek(0)
    form, _, kind = struct.unpack("4s4s4s", file.read(12))
    if (form, kind) not in ((b"RIFF", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC")):
        raise ValueError("neither RIFF WAVE nor AIFF")
    found: dict[str, list[str]] = {}
    for name, size in _chunks(file, "<" if form == b"RIFF" else ">"):
        data = file.read(min(size, MAX_TEXT_BYTES)) if name in _WITH_TEXT else b""
        for key, text in _texts(name, data):
            found.setdefault(key, []).append(text)
    return found


_WITH_TEXT = (b"LIST", b"bext", *_AIFF_TEXTS)


def _chunks(file: BinaryIO, order: str) -> Iterator[tuple[bytes, int]]:
    """(name, size) with the file at the chunk's data."""
    at = 12
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        yield name, size
        at += 8 + size + size % 2


def _texts(name: bytes, data: bytes) -> Iterator[tuple[str, str]]:
    if name == b"LIST" and data[:4] == b"INFO":
        yield from _info(data)
    elif name == b"bext" and len(data) >= _BEXT.size:
        description, originator, _, date = _BEXT.unpack_from(data)
        yield "bext:description", _text(description)
        yield "bext:originator", _text(originator)
        yield "bext:date", _text(date)
    elif name in _AIFF_TEXTS:
        yield name.decode(), _text(data)


def _info(data: bytes) -> Iterator[tuple[str, str]]:
    at = 4
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name.decode("latin-1"), _text(data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2


def _text(data: bytes) -> str:
    """Up to the first NUL: UTF-8 as today's programs write, else Windows' code page."""
    data = data.split(b"\0")[0]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
