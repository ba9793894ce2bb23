"""Tags and cover of an open file: mutagen reads, tinytag adds what WAV keeps in RIFF INFO.

A tag that cannot be read is no reason to refuse the sound: whatever fails is left out.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE
from tinytag import TinyTag

from gateways.audio.facts import MAX_COVER_BYTES, Cover, FileTags, clean_text
from gateways.audio.keys import normalise_key

Fields = Mapping[str, Iterable[Any]]

# Everything a parser of hostile bytes was seen to raise, MemoryError included; none of it may
# cost the musician the upload.
_PARSER_ERRORS = (Exception,)

ID3_FRAMES = {
    "title": ("TIT2",),
    "artist": ("TPE1", "TPE2"),
    "album": ("TALB",),
    "year": ("TDRC", "TYER", "TDOR", "TDRL"),
    "genre": ("TCON",),
    "track": ("TRCK",),
    "tempo_bpm": ("TXXX:BPM", "TBPM"),
    "key": ("TKEY", "TXXX:INITIALKEY", "TXXX:KEY"),
    "isrc": ("TSRC", "TXXX:ISRC"),
}
VORBIS_COMMENTS = {
    "title": ("title",),
    "artist": ("artist", "albumartist"),
    "album": ("album",),
    "year": ("date", "year", "originaldate"),
    "genre": ("genre",),
    "track": ("tracknumber", "track"),
    "tempo_bpm": ("bpm", "tempo"),
    "key": ("key", "initialkey", "initial_key"),
    "isrc": ("isrc",),
}
MP4_ATOMS = {
    "title": ("\xa9nam",),
    "artist": ("\xa9ART", "aART"),
    "album": ("\xa9alb",),
    "year": ("\xa9day",),
    "genre": ("\xa9gen",),
    "track": ("trkn",),
    "tempo_bpm": ("----:com.apple.itunes:bpm", "tmpo"),
    "key": ("----:com.apple.itunes:initialkey", "----:com.apple.itunes:key"),
    "isrc": ("----:com.apple.itunes:isrc",),
}


def read_tags(file: BinaryIO, demuxer: str, codec: str) -> tuple[FileTags, Cover | None]:
    """Tags and front cover; `demuxer` and `codec` say which of the tag formats to expect."""
    read = _reader(demuxer, codec)
    fields, pictures = _attempt(read, file) or ({}, [])
    if demuxer == "wav":
        second = _attempt(_riff_info, file) or {}
        fields = {**second, **{name: values for name, values in fields.items() if values}}
    return _to_tags(fields), _choose_cover(pictures)


def _attempt(read: Callable[[BinaryIO], Any], file: BinaryIO) -> Any:
    try:
        file.seek(0)
        return read(file)
    except _PARSER_ERRORS:
        return None


Found = tuple[dict[str, list[Any]], list[tuple[int, bytes]]]


def _reader(demuxer: str, codec: str) -> Callable[[BinaryIO], Found]:
    match demuxer, codec:
        case (("wav" | "w64"), _):
            return lambda file: _from_id3(WAVE(file).tags)
        case "aiff", _:
            return lambda file: _from_id3(AIFF(file).tags)
        case "flac", _:
            return _from_flac
        case "ogg", "opus":
            return lambda file: _from_vorbis(OggOpus(file).tags)
        case "ogg", "flac":
            return lambda file: _from_vorbis(OggFLAC(file).tags)
        case "ogg", _:
            return lambda file: _from_vorbis(OggVorbis(file).tags)
        case (("mp3" | "aac"), _):
            return lambda file: _from_id3(ID3(file))
        case _:
            return lambda file: _from_mp4(MP4(file).tags)


def _from_id3(id3: ID3 | None) -> Found:
    if id3 is None:
        return {}, []
    frames = {frame.HashKey.upper(): frame for frame in id3.values()}
    found = {
        name: [
            value
            for key in keys
            if key in frames
            for value in (frames[key].genres if key == "TCON" else frames[key].text)
        ]
        for name, keys in ID3_FRAMES.items()
    }
    return found, [(int(picture.type), picture.data) for picture in id3.getall("APIC")]


def _from_flac(file: BinaryIO) -> Found:
    flac = FLAC(file)
    found, _ = _from_vorbis(flac.tags)
    return found, [(int(picture.type), picture.data) for picture in flac.pictures]


def _from_vorbis(comments: Any) -> Found:
    if comments is None:
        return {}, []
    found = {
        name: [value for key in keys for value in comments.get(key, [])]
        for name, keys in VORBIS_COMMENTS.items()
    }
    pictures = []
    for encoded in comments.get("metadata_block_picture", []):
        picture = _attempt_picture(encoded)
        if picture is not None:
            pictures.append((int(picture.type), picture.data))
    return found, pictures


def _attempt_picture(encoded: str) -> Picture | None:
    try:
        return Picture(base64.b64decode(encoded))
    except _PARSER_ERRORS:
        return None


def _from_mp4(atoms: Any) -> Found:
    if atoms is None:
        return {}, []
    by_name = {(key.lower() if key.startswith("----") else key): atoms[key] for key in atoms}
    found = {
        name: [_mp4_value(value) for key in keys for value in by_name.get(key, [])]
        for name, keys in MP4_ATOMS.items()
    }
    return found, [(3, bytes(picture)) for picture in by_name.get("covr", [])]


def _mp4_value(value: Any) -> Any:
    if isinstance(value, tuple):  # track number, tracks in all
        return value[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _riff_info(file: BinaryIO) -> dict[str, list[Any]]:
    tag = TinyTag.get(filename="file.wav", file_obj=file, duration=False)
    names = ("title", "artist", "album", "year", "genre", "track")
    found = {name: [getattr(tag, name)] for name in names if getattr(tag, name) is not None}
    for name, other in (("tempo_bpm", "bpm"), ("key", "initial_key"), ("isrc", "isrc")):
        found[name] = list(tag.other.get(other, []))
    return found


def _to_tags(fields: Fields) -> FileTags:
    """The first value of each field that makes sense; one senseless field never costs another."""
    readers: dict[str, Callable[[object], Any]] = {
        "title": clean_text,
        "artist": clean_text,
        "album": clean_text,
        "genre": clean_text,
        "year": _year,
        "track": _track,
        "tempo_bpm": _tempo_bpm,
        "key": normalise_key,
        "isrc": _isrc,
    }
    return FileTags(**{name: _first(read, fields.get(name, ())) for name, read in readers.items()})


def _first(read: Callable[[object], Any], values: Iterable[Any]) -> Any:
    return next((read(value) for value in values if read(value) is not None), None)


def _year(value: object) -> int | None:
    match = re.search(r"(?<!\d)([12]\d{3})(?!\d{1,3}(?!\d))", str(value))
    return int(match[1]) if match else None


def _track(value: object) -> int | None:
    match = re.match(r"\s*0*(\d{1,4})(?!\d)", str(value))
    return int(match[1]) or None if match else None


def _tempo_bpm(value: object) -> float | None:
    try:
        bpm = float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
    return round(bpm, 3) if math.isfinite(bpm) and 20 <= bpm <= 400 else None


def _isrc(value: object) -> str | None:
    """Twelve characters; hyphens and a leading "ISRC" are how people write it."""
    code = re.sub(r"[\s\-.:]", "", str(value)).upper()
    code = code[4:] if len(code) == 16 and code.startswith("ISRC") else code
    return code if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", code) else None


_FRONT_COVER = 3


def _choose_cover(pictures: list[tuple[int, bytes]]) -> Cover | None:
    for _, data in sorted(pictures, key=lambda picture: picture[0] != _FRONT_COVER):
        media_type = _media_type(data)
        if media_type is not None and len(data) <= MAX_COVER_BYTES:
            return Cover(media_type=media_type, data=data)
    return None


def _media_type(data: bytes) -> Any:
    """Told by the first bytes: the declared type may say anything."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None
