"""Embedded pictures: only what a browser may be given, told by their own first bytes.

Width and height are read from the header first: 60,000 pixels square are 14 GB in whatever decodes
them, whatever the file's size. One that only has too many bytes is made smaller.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from gateways.audio.facts import MAX_COVER_BYTES, MAX_PICTURES, Cover, EmbeddedPicture
from gateways.audio.smaller import smaller

MAX_SIDE_PIXELS = 10_000
MAX_PIXELS = 40_000_000
# What may be decoded of one file to be made smaller: two of the largest, some seconds.
MAX_DECODED_PIXELS = 2 * MAX_PIXELS
MAX_DECODED_BYTES = 64 * 1024 * 1024
FRONT_COVER = 3
# As ID3v2.4 §4.14 names them; FLAC took them over.
KINDS = (
    "other", "file icon", "other file icon", "front cover", "back cover", "leaflet page", "media",
    "lead artist", "artist", "conductor", "band", "composer", "lyricist", "recording location",
    "during recording", "during performance", "screen capture", "fish", "illustration",
    "band logotype", "publisher logotype",
)  # fmt: skip

Found = tuple[int, bytes]  # its kind's number, its bytes


class Unfit(Exception):
    """Why a picture is not shown, in a sentence for the musician."""


def fit_pictures(found: Iterable[Found]) -> tuple[tuple[EmbeddedPicture, ...], str | None]:
    """At most 12, front covers first served when larger ones are made smaller; and, where none is
    left, why.
    """
    fit: dict[int, EmbeddedPicture] = {}
    why, budget = None, MAX_DECODED_PIXELS
    numbered = list(enumerate(_each_once(found)))
    for at, (kind, data) in sorted(numbered, key=lambda one: one[1][0] != FRONT_COVER):
        try:
            media_type, pixels, kept = _fitted(data, budget)
        except Unfit as unfit:
            why = why or str(unfit)
            continue
        budget -= pixels
        name = KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0]
        fit[at] = EmbeddedPicture(kind=name, media_type=media_type, data=kept)
    kept_ones = tuple(fit[at] for at in sorted(fit))[:MAX_PICTURES]
    return kept_ones, None if kept_ones else why


def choose_cover(pictures: Iterable[EmbeddedPicture]) -> Cover | None:
    """The front cover, else the first picture of all."""
    front = KINDS[FRONT_COVER]
    first = sorted(pictures, key=lambda picture: picture.kind != front)[:1]
    return Cover(media_type=first[0].media_type, data=first[0].data) if first else None


def fit_media_type(data: bytes) -> Any:
    """Its media type; None for anything that is not shown as it is: other formats, damaged, too
    large.
    """
    if len(data) > MAX_COVER_BYTES:
        return None
    try:
        return _shown_shape(data)[0]
    except Unfit:
        return None


def _each_once(found: Iterable[Found]) -> list[Found]:
    """The same picture in two tags of one file is one picture."""
    return list(dict.fromkeys(found))


def _fitted(data: bytes, budget: int) -> tuple[Any, int, bytes]:
    """Media type, how many pixels were decoded for it, and its bytes. Raises Unfit."""
    media_type, pixels = _shown_shape(data)
    if len(data) <= MAX_COVER_BYTES:
        return media_type, 0, data
    if len(data) > MAX_DECODED_BYTES or pixels > budget:
        raise Unfit(
            f"The picture in the file has {len(data) / 1024 / 1024:.0f} MB, which is more than can "
            f"be shown: save it with at most {MAX_COVER_BYTES // 1024**2} MB."
        )
    made = smaller(data, media_type, MAX_PIXELS, MAX_COVER_BYTES)
    if made is None:
        raise Unfit("The picture in the file is damaged: save it again and put it in anew.")
    return "image/jpeg", pixels, made


def _shown_shape(data: bytes) -> tuple[Any, int]:
    """Media type and pixels of what may be decoded. Raises Unfit."""
    try:
        media_type, width, height = shape_of(data)
    except (struct.error, IndexError):
        media_type, width, height = "damaged", 0, 0
    if media_type is None:
        raise Unfit(
            "The picture in the file is in a format that browsers do not show: save it as JPEG or "
            "PNG."
        )
    if max(width, height) > MAX_SIDE_PIXELS or width * height > MAX_PIXELS:
        raise Unfit(
            f"The picture in the file has {width:,} by {height:,} pixels, which is more than can "
            "be shown: save it with 3,000 by 3,000 at most."
        )
    if min(width, height) <= 0:
        raise Unfit("The picture in the file is damaged: save it again and put it in anew.")
    return media_type, width * height


def shape_of(data: bytes) -> tuple[str | None, int, int]:
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
