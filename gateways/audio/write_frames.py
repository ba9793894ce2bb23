"""Changed tags around a stream of frames (MP3, AAC, FLAC): the first ID3v2 says all of them; every
other tag says anew what it says of them.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TCON

from gateways.audio.frame_tags import Place, find_places
from gateways.audio.patched import Patched
from gateways.audio.tag_names import APE_ITEMS
from gateways.audio.tag_spelling import Value, Written, own_keys, with_total
from gateways.audio.write_id3 import change_id3, id3_bytes

# Texts in the 128 bytes of ID3v1: where each begins, and how long it may be.
_V1_TEXTS = {"title": (3, 30), "artist": (33, 30), "album": (63, 30), "year": (93, 4)}
_V1_COMMENT, _V1_ZERO, _V1_TRACK, _V1_GENRE = 97, 125, 126, 127
_V1_NO_GENRE = 255


def write_around_frames(copy: Patched, changes: Written) -> None:
    """MP3 and AAC: ID3v2 in front, made where there is none."""
    places = find_places(cast(BinaryIO, copy))
    first = next((each for each in places if _is_in_front(each, copy)), None)
    _write_beside(copy, [place for place in places if place is not first], changes)
    tags = ID3()
    if first is not None:
        tags = ID3(io.BytesIO(first.read(cast(BinaryIO, copy))), load_v1=False)
    change_id3(tags, changes)
    start, end = (first.start, first.end) if first else (0, 0)
    copy.replace(start, end, id3_bytes(tags))
    copy.seek(0)


def write_around_flac(copy: Patched, changes: Written) -> None:
    """FLAC's own tags are inside; what others put around it must not say otherwise."""
    _write_beside(copy, find_places(cast(BinaryIO, copy)), changes)
    copy.seek(0)


def _is_in_front(place: Place, copy: Patched) -> bool:
    return place.kind == "id3v2" and place.start == 0


def _write_beside(copy: Patched, places: list[Place], changes: Written) -> None:
    """From the end of the file on, so that what is before it stays where it is."""
    for place in sorted(places, key=lambda one: -one.start):
        data = place.read(cast(BinaryIO, copy))
        match place.kind:
            case "id3v2":
                data = _id3_beside(data, changes)
            case "ape":
                data = _ape(data, changes)
            case "id3v1":
                data = _id3v1(data, changes)
        copy.replace(place.start, place.end, data)


def _id3_beside(data: bytes, changes: Written) -> bytes:
    tags = ID3(io.BytesIO(data), load_v1=False)
    change_id3(tags, changes, only_present=True)
    return id3_bytes(tags, padding_bytes=0, footer=data[-10:-7] == b"3DI")


def _ape(data: bytes, changes: Written) -> bytes:
    file = io.BytesIO(data)
    items = APEv2(file)
    for name, value in changes.items():
        keys = [*own_keys(APE_ITEMS, name), *(["artists"] if name == "artist" else [])]
        held = [key for key in keys if key in items]
        if not held:
            continue
        before = str(items[held[0]])
        spelled = next(key for key in items if key.lower() == held[0])
        for key in held:
            del items[key]
        if value.texts:
            items[spelled] = [with_total(name, text, before) for text in value.texts]
        if value.listed:
            items["Artists"] = list(value.listed)
    if not items:
        return b""
    file.seek(0)
    items.save(file)
    return file.getvalue()


def _id3v1(data: bytes, changes: Written) -> bytes:
    """A field that does not hold the whole text is left empty."""
    made = bytearray(data)
    for name, value in changes.items():
        if name in _V1_TEXTS:
            at, size = _V1_TEXTS[name]
            made[at : at + size] = _v1_text(value, size)
        elif name == "comment":
            size = 28 if made[_V1_ZERO] == 0 else 30
            made[_V1_COMMENT : _V1_COMMENT + size] = _v1_text(value, size)
        elif name == "track" and made[_V1_ZERO] == 0:
            number = int(value.shown or 0)
            made[_V1_TRACK] = number if number < 256 else 0
        elif name == "genre":
            genres = TCON.GENRES
            made[_V1_GENRE] = genres.index(value.shown) if value.shown in genres else _V1_NO_GENRE
    return bytes(made)


def _v1_text(value: Value, size: int) -> bytes:
    try:
        text = value.shown.encode("latin-1")
    except UnicodeEncodeError:
        text = b""
    return (text if len(text) <= size else b"").ljust(size, b"\0")
