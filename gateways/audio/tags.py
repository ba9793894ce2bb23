"""What an open file says of itself: tags, pictures, encoder, replay gain.

mutagen reads; what WAV and AIFF say outside of ID3 `chunks.py` adds. A tag that cannot be read is
no reason to refuse the sound: whatever fails is left out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from gateways.audio.chunks import read_chunks
from gateways.audio.cpu import within_cpu
from gateways.audio.facts import EmbeddedPicture, FileTags, SaidOfSound
from gateways.audio.pictures import FRONT_COVER, Found, fit_pictures
from gateways.audio.tag_names import CHUNKS, ID3_FRAMES, MP4_ATOMS, VORBIS_COMMENTS
from gateways.audio.tag_values import to_said_of_sound, to_tags

# Everything a parser of hostile bytes was seen to raise, MemoryError included; none of it may
# cost the musician the upload.
_PARSER_ERRORS = (Exception,)
MAX_CPU_S = 2.0
# RFC 7845 §5.2.1: steps of 1/256 dB towards -23 LUFS, ReplayGain 2 aims 5 dB higher.
_R128_STEP_DB, _R128_TO_REPLAY_GAIN_DB = 1 / 256, 5.0


@dataclass(frozen=True)
class Said:
    """All that a file says of itself."""

    tags: FileTags
    sound: SaidOfSound
    pictures: tuple[EmbeddedPicture, ...]


@dataclass
class _Read:
    """What one reader found, as written."""

    fields: dict[str, list[Any]] = field(default_factory=dict)
    pictures: list[Found] = field(default_factory=list)

    def add(self, name: str, *values: Any) -> None:
        self.fields.setdefault(name, []).extend(value for value in values if value is not None)


def read_tags(file: BinaryIO, demuxer: str, codec: str) -> Said:
    """`demuxer` and `codec` say which of the tag formats to expect."""
    read = (
        _from_mp3(file) if demuxer == "mp3" else _attempt(_reader(demuxer, codec), file) or _Read()
    )
    if demuxer in ("wav", "w64", "aiff"):
        said = _attempt(read_chunks, file) or {}
        for name, chunks in CHUNKS.items():
            read.add(name, *(text for chunk in chunks for text in said.get(chunk, ())))
    return Said(to_tags(read.fields), to_said_of_sound(read.fields), fit_pictures(read.pictures))


def _attempt(read: Callable[[BinaryIO], Any], file: BinaryIO) -> Any:
    try:
        with within_cpu(MAX_CPU_S):
            file.seek(0)
            return read(file)
    except _PARSER_ERRORS:
        return None


def _reader(demuxer: str, codec: str) -> Callable[[BinaryIO], _Read]:
    match demuxer, codec:
        case (("wav" | "w64"), _):
            return lambda file: _from_id3(WAVE(file).tags)
        case "aiff", _:
            return lambda file: _from_id3(AIFF(file).tags)
        case "flac", _:
            return _from_flac
        case "ogg", "opus":
            return lambda file: _from_opus(OggOpus(file).tags)
        case "ogg", "flac":
            return _from_ogg_flac
        case "ogg", _:
            return lambda file: _from_vorbis(OggVorbis(file).tags)
        case "aac", _:
            return lambda file: _from_id3(ID3(file))
        case _:
            return _from_mp4


def _from_mp3(file: BinaryIO) -> _Read:
    read: _Read = _attempt(lambda opened: _from_id3(ID3(opened)), file) or _Read()
    info = _attempt(lambda opened: MP3(opened).info, file)
    if info is not None:  # what LAME and others write into the first, silent frame
        read.add("encoder", info.encoder_info or None)
        read.add("replay_gain_track_db", info.track_gain)
        read.add("replay_gain_album_db", info.album_gain)
    return read


def _from_id3(id3: ID3 | None) -> _Read:
    if id3 is None:
        return _Read()
    frames = {frame.HashKey.upper(): frame for frame in id3.values()}
    read = _Read()
    for name, keys in ID3_FRAMES.items():
        for key in keys:
            if key in frames:
                read.add(name, *(frames[key].genres if key == "TCON" else frames[key].text))
    # The one without a description is the musician's; iTunes keeps its volume in others.
    comments = sorted(id3.getall("COMM"), key=lambda comment: comment.desc != "")
    for comment in comments:
        if not comment.desc.startswith(("iTun", "Songs-DB")):
            read.add("comment", *comment.text)
    read.pictures = [(int(picture.type), picture.data) for picture in id3.getall("APIC")]
    return read


def _from_flac(file: BinaryIO) -> _Read:
    flac = FLAC(file)
    read = _from_vorbis(flac.tags)
    read.pictures = [(int(picture.type), picture.data) for picture in flac.pictures]
    read.add("bit_depth", flac.info.bits_per_sample)
    return read


def _from_ogg_flac(file: BinaryIO) -> _Read:
    flac = OggFLAC(file)
    read = _from_vorbis(flac.tags)
    read.add("bit_depth", flac.info.bits_per_sample)
    return read


def _from_opus(comments: Any) -> _Read:
    read = _from_vorbis(comments)
    for name in ("track", "album"):
        for written in (comments or {}).get(f"r128_{name}_gain", []):
            gain_db = int(written) * _R128_STEP_DB + _R128_TO_REPLAY_GAIN_DB
            read.add(f"replay_gain_{name}_db", round(gain_db, 6))
    return read


def _from_vorbis(comments: Any) -> _Read:
    if comments is None:
        return _Read()
    read = _Read()
    for name, keys in VORBIS_COMMENTS.items():
        read.add(name, *(value for key in keys for value in comments.get(key, [])))
    read.add("encoder", comments.vendor)
    for encoded in comments.get("metadata_block_picture", []):
        picture = _picture(encoded)
        if picture is not None:
            read.pictures.append((int(picture.type), picture.data))
    return read


def _picture(encoded: str) -> Picture | None:
    try:
        return Picture(base64.b64decode(encoded))
    except _PARSER_ERRORS:
        return None


def _from_mp4(file: BinaryIO) -> _Read:
    mp4 = MP4(file)
    read = _Read()
    if mp4.info.codec.startswith("alac"):
        read.add("bit_depth", mp4.info.bits_per_sample)
    atoms = mp4.tags or {}
    by_name = {(key.lower() if key.startswith("----") else key): atoms[key] for key in atoms}
    for name, keys in MP4_ATOMS.items():
        found = (value for key in keys for value in _as_list(by_name.get(key, [])))
        read.add(name, *map(_mp4_value, found))
    read.pictures = [(FRONT_COVER, bytes(picture)) for picture in by_name.get("covr", [])]
    return read


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mp4_value(value: Any) -> Any:
    if isinstance(value, tuple):  # number, how many in all
        return value[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
