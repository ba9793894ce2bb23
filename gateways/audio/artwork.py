"""A picture that somebody chose for a track: made anew in two sizes, or why it cannot be taken."""

from __future__ import annotations

import struct
from typing import BinaryIO

from gateways.audio.facts import MAX_COVER_BYTES, MAX_THUMBNAIL_BYTES, Artwork, Refused
from gateways.audio.pictures import shape_of
from gateways.audio.smaller import artwork

MAX_ARTWORK_BYTES = 20 * 1024 * 1024
MAX_SIDE_PIXELS = 6_000
_DAMAGED = "This picture is damaged: save it again, then choose the new file."


def read_artwork(file: BinaryIO) -> Artwork | Refused:
    """By its own first bytes, whatever it is called. The header is looked at before anything is
    decoded: 60,000 pixels square are 14 GB, whatever the file's size.
    """
    data = file.read(MAX_ARTWORK_BYTES + 1)
    if len(data) > MAX_ARTWORK_BYTES:
        allowed = f"{MAX_ARTWORK_BYTES // 1024**2} MB"
        return _refused(f"This picture has more than {allowed}: save it smaller.")
    try:
        media_type, width, height = shape_of(data)
    except (struct.error, IndexError):
        return _refused(_DAMAGED)
    if media_type is None:
        return _refused("This is no JPEG, PNG or WebP picture: save it as one of these.")
    if max(width, height) > MAX_SIDE_PIXELS:
        most = f"{MAX_SIDE_PIXELS:,}"
        return _refused(
            f"This picture has {width:,} × {height:,} points, and at most {most} × {most} can be"
            " taken: save it smaller."
        )
    made = artwork(data, media_type, MAX_SIDE_PIXELS**2) if min(width, height) > 0 else None
    if made is None:
        return _refused(_DAMAGED)
    large, small, made_width, made_height = made
    if len(large) > MAX_COVER_BYTES or len(small) > MAX_THUMBNAIL_BYTES:
        return _refused("This picture has too many details to be shown: save it smaller.")
    return Artwork(data=large, small=small, width=made_width, height=made_height)


def _refused(reason: str) -> Refused:
    return Refused(code="unfit-picture", reason=reason)
