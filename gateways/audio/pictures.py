"""Embedded pictures: only what a browser may be given, told by their own first bytes.

Nothing here decodes one; width and height are read because a browser does, and 60,000 pixels square
are 14 GB there whatever the file's size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from gateways.audio.facts import MAX_COVER_BYTES, MAX_PICTURES, Cover, EmbeddedPicture

MAX_SIDE_PIXELS = 10_000
MAX_PIXELS = 40_000_000
FRONT_COVER = 3
# As ID3v2.4 §4.14 names them; FLAC took them over.
KINDS = (
    "other", "file icon", "other file icon", "front cover", "back cover", "leaflet page", "media",
    "lead artist", "artist", "conductor", "band", "composer", "lyricist", "recording location",
    "during recording", "during performance", "screen capture", "fish", "illustration",
    "band logotype", "publisher logotype",
)  # fmt: skip

Found = tuple[int, bytes]  # its kind's number, its bytes


def fit_pictures(found: Iterable[Found]) -> tuple[EmbeddedPicture, ...]:
    """At most 12, each of at most 2 MiB and 40 megapixels; the others are left out."""
    fit = []
    for kind, data in found:
        media_type = fit_media_type(data)
        if media_type is not None:
            name = KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0]
            fit.append(EmbeddedPicture(kind=name, media_type=media_type, data=data))
    return tuple(fit[:MAX_PICTURES])


def choose_cover(pictures: Iterable[EmbeddedPicture]) -> Cover | None:
    """The front cover, else the first picture of all."""
    front = KINDS[FRONT_COVER]
    first = sorted(pictures, key=lambda picture: picture.kind != front)[:1]
    return Cover(media_type=first[0].media_type, data=first[0].data) if first else None


def fit_media_type(data: bytes) -> Any:
    """Its media type; None for anything that is not shown: other formats, damaged, too large."""
    if len(data) > MAX_COVER_BYTES:
        return None
    try:
        media_type, width, height = _shape(data)
    except (struct.error, IndexError):
        return None
    fits = 0 < max(width, height) <= MAX_SIDE_PIXELS and width * height <= MAX_PIXELS
    return media_type if fits else None


def _shape(data: bytes) -> tuple[str | None, int, int]:
    """(media type, width, height). Raises struct.error, IndexError on damaged ones."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", *struct.unpack_from(">II", data, 16)
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", *_jpeg_size(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", *_webp_size(data)
    return None, 0, 0


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker, length = struct.unpack_from(">xBH", data, at)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length


def _webp_size(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            width = int.from_bytes(data[24:27], "little") + 1
            return width, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return 0, 0
