"""Where tags stand around a stream of frames (MP3, AAC; FLAC carries them too): any number of
ID3v2 before it; APE, ID3v1, Lyrics3 and ID3v2 with a footer behind it.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

MOST_TAGS = 8  # each side
MAX_TAG_BYTES = 256 * 1024 * 1024  # the longest that ID3v2 can say
ID3V1_BYTES = 128
_APE = struct.Struct("<8sIIII8x")  # name, version, size with the footer, items, flags
_APE_HAS_HEADER, _APE_IS_HEADER = 1 << 31, 1 << 29
Kind = Literal["id3v2", "ape", "id3v1", "lyrics3"]


@dataclass(frozen=True, slots=True)
class Place:
    kind: Kind
    start: int
    end: int

    def read(self, file: BinaryIO) -> bytes:
        file.seek(self.start)
        return file.read(min(self.end - self.start, MAX_TAG_BYTES))


def find_places(file: BinaryIO) -> list[Place]:
    """The most trusted first: ID3v2 before the sound, ID3v2 behind it, APE, ID3v1."""
    before = list(_before(file))
    sound = before[-1].end if before else 0
    found = [*before, *_behind(file, sound)]
    return sorted(found, key=lambda place: _TRUST[place.kind])


_TRUST: dict[Kind, int] = {"id3v2": 0, "ape": 1, "id3v1": 2, "lyrics3": 3}


def _before(file: BinaryIO) -> Iterator[Place]:
    at, size = 0, file.seek(0, os.SEEK_END)
    for _ in range(MOST_TAGS):
        head = _bytes(file, at, _APE.size)
        if head[:3] == b"ID3":
            end = at + _id3_bytes(head)
            kind: Kind = "id3v2"
        elif head[:8] == b"APETAGEX" and len(head) == _APE.size:
            _, _, items_bytes, _, flags = _APE.unpack(head)
            end = at + (_APE.size + items_bytes if flags & _APE_IS_HEADER else 0)
            kind = "ape"
        else:
            return
        if not at < end <= size:
            return
        yield Place(kind, at, end)
        at = end


def _behind(file: BinaryIO, sound: int) -> Iterator[Place]:
    end = file.seek(0, os.SEEK_END)
    for _ in range(MOST_TAGS):
        place = _ending_at(file, end)
        if place is None or not sound <= place.start < end:
            return
        yield place
        end = place.start


def _ending_at(file: BinaryIO, end: int) -> Place | None:
    if _bytes(file, end - ID3V1_BYTES, 3) == b"TAG":
        return Place("id3v1", end - ID3V1_BYTES, end)
    foot = _bytes(file, end - _APE.size, _APE.size)
    if foot[:8] == b"APETAGEX":
        _, _, size, _, flags = _APE.unpack(foot)
        header = _APE.size if flags & _APE_HAS_HEADER else 0
        return Place("ape", end - size - header, end) if size >= _APE.size else None
    if foot[-10:-7] == b"3DI":
        return Place("id3v2", end - _id3_bytes(foot[-10:]), end)
    if foot[-9:] == b"LYRICS200" and re.fullmatch(rb"\d{6}", foot[-15:-9]):
        return Place("lyrics3", end - 15 - int(foot[-15:-9]), end)
    return None


def _id3_bytes(head: bytes) -> int:
    """Header, frames and, where there is one, footer. 0 for what is no header."""
    if len(head) < 10 or head[3] == 0xFF or any(byte > 0x7F for byte in head[6:10]):
        return 0
    size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _bytes(file: BinaryIO, at: int, size: int) -> bytes:
    if at < 0:
        return b""
    file.seek(at)
    return file.read(size)
