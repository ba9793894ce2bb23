"""Changed tags into Vorbis comments (Ogg, Opus, FLAC) and into the atoms of MP4."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from mutagen.mp4 import MP4, MP4FreeForm

from gateways.audio.patched import Patched
from gateways.audio.tag_names import MP4_ATOMS, VORBIS_COMMENTS
from gateways.audio.tag_spelling import Value, Written, own_keys, with_total

_FREE_FORM = "----:com.apple.iTunes:"
# As others spell what MP4 has no atom of its own for.
_FREE_NAMES = {"isrc": "ISRC", "label": "LABEL", "key": "initialkey"}


def write_vorbis(opened: Any, copy: Patched, changes: Written) -> None:
    if opened.tags is None:
        opened.add_tags()
    for name, value in changes.items():
        written = VORBIS_COMMENTS[name][0]
        before = next(iter(opened.tags.get(written, [])), "")
        for key in (*own_keys(VORBIS_COMMENTS, name), *(["artists"] if name == "artist" else [])):
            if key in opened.tags:
                del opened.tags[key]
        if value.texts:
            opened.tags[written] = [with_total(name, text, before) for text in value.texts]
        if value.listed:
            opened.tags["artists"] = list(value.listed)
    copy.seek(0)
    opened.save(copy)


def write_mp4(copy: Patched, changes: Written) -> None:
    copy.seek(0)
    opened: Any = MP4(copy)  # its types know no `tags`
    if opened.tags is None:
        opened.add_tags()
    atoms = opened.tags
    for name, value in changes.items():
        mine = {key.lower() for key in own_keys(MP4_ATOMS, name)}
        mine |= {f"{_FREE_FORM}artists".lower()} if name == "artist" else set()
        for key in [key for key in atoms if key.lower() in mine]:
            if key in ("trkn", "disk") and value.texts:
                continue
            del atoms[key]
        if value.texts:
            atoms.update(_atoms(atoms, name, value))
    copy.seek(0)
    opened.save(copy)
    _free_quicktime(copy, changes)


def _free_quicktime(copy: Patched, changes: Written) -> None:
    """QuickTime's own texts lie beside those of MP4. Renamed in place, so that no sound moves."""
    fields = {text: name for name, text in _QUICKTIME.items()}
    for user_data in _inside(
        copy, _inside(copy, [(0, copy.seek(0, os.SEEK_END))], b"moov"), b"udta"
    ):
        for name, start, _ in _atoms_in(copy, user_data):
            if fields.get(name) in changes:
                copy.seek(start + 4)
                copy.write(b"free")


_QUICKTIME = {
    "title": b"\xa9nam", "artist": b"\xa9ART", "album": b"\xa9alb", "year": b"\xa9day",
    "genre": b"\xa9gen", "comment": b"\xa9cmt", "composer": b"\xa9wrt", "copyright": b"\xa9cpy",
}  # fmt: skip
Span = tuple[int, int]
_MOST_ATOMS = 1000


def _inside(copy: Patched, spans: Iterable[Span], wanted: bytes) -> Iterator[Span]:
    for span in spans:
        for name, start, end in _atoms_in(copy, span):
            if name == wanted:
                yield start + 8, end


def _atoms_in(copy: Patched, span: Span) -> Iterator[tuple[bytes, int, int]]:
    at, last = span
    for _ in range(_MOST_ATOMS):
        copy.seek(at)
        header = copy.read(16)
        if at + 8 > last or len(header) < 8:
            return
        size, name = struct.unpack_from(">I4s", header)
        if size == 1 and len(header) == 16:  # the size is 64 bits long, behind the name
            (size,) = struct.unpack_from(">Q", header, 8)
        end = at + size if size else last
        if size in range(1, 8):
            return
        yield name, at, end
        at = end


def _atoms(atoms: Any, name: str, value: Value) -> Iterator[tuple[str, Any]]:
    text = value.shown
    if name in _FREE_NAMES:
        yield _FREE_FORM + _FREE_NAMES[name], _free(value.texts)
    elif name in ("track", "disc"):
        atom = MP4_ATOMS[name][0]
        (_, of), *_rest = atoms.get(atom) or [(0, 0)]
        yield atom, [(int(text), of if of >= int(text) else 0)]
    elif name == "tempo_bpm":
        yield "tmpo", [round(float(text))]
        if not float(text).is_integer():
            yield f"{_FREE_FORM}BPM", _free(value.texts)
    else:
        yield MP4_ATOMS[name][0], list(value.texts)
        if value.listed:
            yield f"{_FREE_FORM}ARTISTS", _free(value.listed)


def _free(texts: tuple[str, ...]) -> list[MP4FreeForm]:
    return [MP4FreeForm(text.encode()) for text in texts]
