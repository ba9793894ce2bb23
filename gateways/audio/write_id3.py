"""Changed tags into the frames of one ID3v2 tag, and such a tag as bytes."""

from __future__ import annotations

import io

from mutagen.id3 import COMM, ID3, TXXX, Frames

from gateways.audio.tag_names import ID3_FRAMES
from gateways.audio.tag_spelling import Value, Written, own_keys, with_total

UTF_16, UTF_8 = 1, 3
PADDING_BYTES = 1024
_ARTISTS = "TXXX:ARTISTS"
_HAS_FOOTER = 0x10


def change_id3(tags: ID3, changes: Written, *, only_present: bool = False) -> None:
    """`only_present`: of a tag beside another, what it does not say it need not say."""
    for name, value in changes.items():
        if name == "comment":
            _change_comment(tags, value, only_present)
            continue
        first = "TBPM" if name == "tempo_bpm" else ID3_FRAMES[name][0]
        mine = {first, *own_keys(ID3_FRAMES, name)} | ({_ARTISTS} if name == "artist" else set())
        before = str(tags.get(first, ""))
        held = [key for key in tags if key.upper() in mine]
        if only_present and not held:
            continue
        for key in held:
            del tags[key]
        _add(tags, name, first, value, before)


def id3_bytes(tags: ID3, *, padding_bytes: int = PADDING_BYTES, footer: bool = False) -> bytes:
    """The whole tag; 2.3 stays 2.3, for what else reads the file reads that. Nothing for no frames.

    A footer lets it be found behind the sound; only 2.4 has it, and then no padding.
    """
    if not tags:
        return b""
    version = 3 if tags.version[:2] == (2, 3) and not footer else 4
    if version == 3:
        tags.update_to_v23()
    file = io.BytesIO()
    padding = 0 if footer else padding_bytes
    tags.save(file, v1=0, v2_version=version, v23_sep=None, padding=lambda info: padding)
    data = bytearray(file.getvalue())
    if footer:
        data[5] |= _HAS_FOOTER
        data += b"3DI" + data[3:10]
    return bytes(data)


def _add(tags: ID3, name: str, frame: str, value: Value, before: str) -> None:
    if not value.texts:
        return
    is_old = tags.version[:2] == (2, 3)
    texts, listed = list(value.texts), list(value.listed)
    if name == "artist" and is_old and (len(texts) > 1 or "/" in value.shown):
        # There a slash stands between artists: one text for what shows it, a list for the rest.
        texts, listed = [value.shown], listed or texts
    if name == "tempo_bpm" and not float(texts[0]).is_integer():  # TBPM is a whole number
        tags.add(TXXX(encoding=UTF_8, desc="BPM", text=texts))
        texts = [str(round(float(texts[0])))]
    encoding = UTF_16 if is_old else UTF_8
    texts = [with_total(name, text, before) for text in texts]
    tags.add(Frames[frame](encoding=encoding, text=texts))
    if listed:
        tags.add(TXXX(encoding=encoding, desc="ARTISTS", text=listed))


def _change_comment(tags: ID3, value: Value, only_present: bool) -> None:
    """The one without a description is the musician's."""
    mine = [each for each in tags.getall("COMM") if each.desc in ("", "ID3v1 Comment")]
    if only_present and not mine:
        return
    for comment in mine:
        del tags[comment.HashKey]
    if value.texts:
        tags.add(COMM(encoding=UTF_8, lang="XXX", desc="", text=list(value.texts)))
