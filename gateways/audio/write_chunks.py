"""Changed tags into WAV (RIFF, RF64, BW64) and AIFF: an ID3 chunk says all of them; RIFF INFO, bext
and AIFF's texts say anew what they say of them.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, cast

from mutagen.id3 import ID3

from gateways.audio.chunks import (
    AIFF_TEXTS,
    BEXT,
    MAX_ID3_BYTES,
    MAX_LIST_BYTES,
    MAX_TEXT_BYTES,
    SOUND,
    Chunk,
    Form,
    items_of,
    read_form,
    text_of,
)
from gateways.audio.decode import Refusal
from gateways.audio.patched import Patched
from gateways.audio.tag_names import CHUNKS
from gateways.audio.tag_spelling import Value, Written
from gateways.audio.tag_values import to_tags
from gateways.audio.write_id3 import change_id3, id3_bytes

_LONGEST = 0xFFFFFFFF
_RIFF_SIZE_AT, _DS64_SIZE_AT = 4, 20
_ID3 = (b"id3 ", b"ID3 ")
# What RIFF INFO is given where there is an INFO at all; the others only where they are in it.
_USUAL = ("title", "artist", "album", "year", "genre", "track", "comment", "copyright")
# Texts of bext: where each begins, and how long it may be.
_BEXT_TEXTS = {"comment": (0, 256), "year": (320, 10)}
Edit = tuple[int, int, bytes]  # from, to, what is there instead


def write_chunks(copy: Patched, changes: Written) -> None:
    file = cast(BinaryIO, copy)
    for edits_of in (_texts, _id3):
        edits = edits_of(file, read_form(file), changes)
        for start, end, data in sorted(edits, reverse=True):
            copy.replace(start, end, data)
    form = read_form(file)
    _state_size(copy, form, form.chunks[-1].end - 8)
    copy.seek(0)


def _id3(file: BinaryIO, form: Form, changes: Written) -> Iterator[Edit]:
    chunks = form.named(*_ID3)
    first = chunks[0] if chunks else None
    tags = _id3_in(file, first) if first else ID3()
    change_id3(tags, changes)
    name = b"id3 " if form.order == "<" else b"ID3 "
    data = _chunk(form, first.name if first else name, id3_bytes(tags)) if tags else b""
    if first:
        yield first.start, first.end, data
    else:
        yield _where_to_add(file, form, data)
    for other in chunks[1:]:
        beside = _id3_in(file, other)
        change_id3(beside, changes, only_present=True)
        data = _chunk(form, other.name, id3_bytes(beside)) if beside else b""
        yield other.start, other.end, data


def _id3_in(file: BinaryIO, chunk: Chunk) -> ID3:
    return ID3(io.BytesIO(chunk.read(file, MAX_ID3_BYTES)), load_v1=False)


def _where_to_add(file: BinaryIO, form: Form, data: bytes) -> Edit:
    """At the end; before the sound where that has no end, as in what was recorded to a pipe."""
    last, size = form.chunks[-1], file.seek(0, os.SEEK_END)
    if last.name in SOUND and (last.size == 0 or last.data + last.size > size):
        return last.start, last.start, data
    is_odd = last.end % 2 == 1 and last.size % 2 == 1  # its padding was forgotten
    return last.end, last.end, (b"\0" if is_odd else b"") + data


def _texts(file: BinaryIO, form: Form, changes: Written) -> Iterator[Edit]:
    for chunk in form.chunks:
        if chunk.name == b"LIST" and chunk.read(file, 4) == b"INFO":
            yield chunk.start, chunk.end, _chunk(form, b"LIST", _info(file, chunk, changes))
        elif chunk.name == b"bext" and chunk.size >= BEXT.size:
            yield from _bext(file, chunk, changes)
    if form.order == ">":
        yield from _aiff_texts(file, form, changes)


def _info(file: BinaryIO, info: Chunk, changes: Written) -> bytes:
    if info.size > MAX_LIST_BYTES:
        raise Refusal("tags-not-writable", "The list of texts in this file is too long to change.")
    items = [(item.name, item.read(file, MAX_LIST_BYTES)) for item in items_of(file, info)]
    for name, value in changes.items():
        keys = [key.encode() for key in CHUNKS.get(name, ()) if key.isupper() and len(key) == 4]
        held = [key for key, _ in items if key.upper() in keys]
        if not keys or _says(name, value, [data for key, data in items if key.upper() in keys]):
            continue
        at = next((at for at, (key, _) in enumerate(items) if key in held), len(items))
        items = [(key, data) for key, data in items if key.upper() not in keys]
        if value.texts and (held or name in _USUAL):
            items.insert(at, (held[0] if held else keys[0], value.shown.encode() + b"\0"))
    return b"INFO" + b"".join(_padded(key, data, "<") for key, data in items)


def _bext(file: BinaryIO, chunk: Chunk, changes: Written) -> Iterator[Edit]:
    data = chunk.read(file, BEXT.size)
    for name, (at, size) in _BEXT_TEXTS.items():
        if name not in changes or _says(name, changes[name], [data[at : at + size]]):
            continue
        # A date of which only the year is known is none, and a text that does not fit is left out.
        text = changes[name].shown.encode() if name == "comment" else b""
        held = (text if len(text) <= size else b"").ljust(size, b"\0")
        yield chunk.data + at, chunk.data + at + size, held


def _aiff_texts(file: BinaryIO, form: Form, changes: Written) -> Iterator[Edit]:
    for name, value in changes.items():
        keys = [key.encode() for key in CHUNKS.get(name, ()) if key.encode() in AIFF_TEXTS]
        held = form.named(*keys) if keys else []
        if _says(name, value, [chunk.read(file, MAX_TEXT_BYTES) for chunk in held]):
            continue
        for at, chunk in enumerate(held):
            is_first = at == 0 and bool(value.texts)
            data = _chunk(form, chunk.name, value.shown.encode()) if is_first else b""
            if is_first or not value.texts:
                yield chunk.start, chunk.end, data


def _says(name: str, value: Value, held: list[bytes]) -> bool:
    """Already, if in other words: 1981-03-02 is the year 1981. What is not there need not be."""
    if not held:
        return not value.texts or name not in _USUAL
    texts = [text_of(data) for data in held]
    said = {getattr(to_tags({name: [[text]]}), name) for text in texts} - {None}
    wanted = getattr(to_tags({name: [[value.shown]]}), name) if value.texts else None
    return said <= {wanted} and (wanted is None or wanted in said)


def _chunk(form: Form, name: bytes, data: bytes) -> bytes:
    return _padded(name, data, form.order)


def _padded(name: bytes, data: bytes, order: str) -> bytes:
    return name + struct.pack(f"{order}I", len(data)) + data + bytes(len(data) % 2)


def _state_size(copy: Patched, form: Form, size: int) -> None:
    if form.name in (b"RF64", b"BW64"):
        copy.seek(_DS64_SIZE_AT)
        copy.write(struct.pack("<Q", size))
        return
    if size > _LONGEST:
        raise Refusal(
            "tags-not-writable",
            "With these tags the file would be longer than its format can say (4 GiB): save it as "
            "RF64 or FLAC first.",
        )
    copy.seek(_RIFF_SIZE_AT)
    copy.write(struct.pack(f"{form.order}I", size))
