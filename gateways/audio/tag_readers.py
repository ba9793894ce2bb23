"""The places of each format in which tags are kept, read for themselves: mutagen reads most, what
WAV and AIFF say outside of ID3 `chunks.py` adds.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from mutagen.apev2 import APEBinaryValue, APEv2
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3, ParseID3v1
from mutagen.mp3 import MPEGInfo
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from gateways.audio.chunks import MAX_ID3_BYTES, read_form, read_texts
from gateways.audio.frame_tags import Place as FramePlace
from gateways.audio.frame_tags import find_places
from gateways.audio.pictures import FRONT_COVER, Found
from gateways.audio.tag_names import APE_ITEMS, CHUNKS, ID3_FRAMES, MP4_ATOMS, VORBIS_COMMENTS

# RFC 7845 §5.2.1: steps of 1/256 dB towards -23 LUFS, ReplayGain 2 aims 5 dB higher.
_R128_STEP_DB, _R128_TO_REPLAY_GAIN_DB = 1 / 256, 5.0


@dataclass
class Place:
    """One place of the file, its tags as written; `fields` hold one list for each of its names."""

    fields: dict[str, list[list[Any]]] = field(default_factory=dict)
    pictures: list[Found] = field(default_factory=list)

    def add(self, name: str, *values: Any) -> None:
        said = [value for value in values if value is not None]
        if said:
            self.fields.setdefault(name, []).append(said)


@contextmanager
def one_by_one() -> Iterator[None]:
    """One place that cannot be read costs no other; running out of time ends them all.

    Everything was seen to be raised of hostile bytes, MemoryError included.
    """
    try:
        yield
    except TimeoutError:
        raise
    except Exception:
        return


Reader = Callable[[BinaryIO], Iterable[Place]]


def places_of(demuxer: str, codec: str) -> tuple[Reader, ...]:
    """Readers of all that a format may hold, the most trusted first."""
    match demuxer, codec:
        case "mp3", _:
            return (_around_frames, _from_first_frame)
        case "aac", _:
            return (_around_frames,)
        case (("wav" | "w64" | "aiff"), _):
            return (_from_chunks,)
        case "flac", _:
            return (_from_flac, _around_frames)
        case "ogg", "opus":
            return (lambda file: [_from_opus(OggOpus(file).tags)],)
        case "ogg", "flac":
            return (_from_ogg_flac,)
        case "ogg", _:
            return (lambda file: [_from_vorbis(OggVorbis(file).tags)],)
        case _:
            return (_from_mp4,)


def _around_frames(file: BinaryIO) -> Iterator[Place]:
    for place in find_places(file):
        with one_by_one():
            yield _of_frames(place, file)


def _of_frames(place: FramePlace, file: BinaryIO) -> Place:
    data = place.read(file)
    match place.kind:
        case "id3v2":
            return _from_id3(ID3(io.BytesIO(data), load_v1=False))
        case "ape":
            return _from_ape(APEv2(io.BytesIO(data)))
        case "id3v1":
            return _from_id3(id3v1_of(data))
        case _:
            return Place()


def id3v1_of(data: bytes) -> ID3:
    """The 128 bytes of the old tag as frames of the new."""
    tags = ID3()
    for frame in (ParseID3v1(data) or {}).values():
        tags.add(frame)
    return tags


def _from_first_frame(file: BinaryIO) -> Iterator[Place]:
    """Reads what LAME and others write into the first, silent frame."""
    info = MPEGInfo(file)
    place = Place()
    place.add("encoder", info.encoder_info or None)
    place.add("replay_gain_track_db", info.track_gain)
    place.add("replay_gain_album_db", info.album_gain)
    yield place


def _from_chunks(file: BinaryIO) -> Iterator[Place]:
    form = read_form(file)
    for chunk in form.named(b"id3 ", b"ID3 "):
        with one_by_one():
            yield _from_id3(ID3(io.BytesIO(chunk.read(file, MAX_ID3_BYTES)), load_v1=False))
    texts = read_texts(file, form)
    recorder = {key: texts.pop(key) for key in list(texts) if key.startswith("bext:")}
    yield from map(_from_texts, (texts, recorder))


def _from_texts(texts: Mapping[str, list[str]]) -> Place:
    place = Place()
    for name, keys in CHUNKS.items():
        for key in keys:
            place.add(name, *texts.get(key, ()))
    return place


def _from_id3(id3: ID3) -> Place:
    frames = {frame.HashKey.upper(): frame for frame in id3.values()}
    place = Place()
    for name, keys in ID3_FRAMES.items():
        for key in keys:
            if key in frames:
                place.add(name, *_id3_values(key, frames[key]))
    if id3.version < (2, 4) and "TPE1" in frames and "artists" not in place.fields:
        place.fields["artist"][0] = _artists_of_23(place.fields["artist"][0])
    # The one without a description is the musician's; iTunes keeps its volume in others.
    comments = sorted(id3.getall("COMM"), key=lambda comment: comment.desc != "")
    for comment in comments:
        if not comment.desc.startswith(("iTun", "Songs-DB")):
            place.add("comment", *comment.text)
    place.pictures = [(int(picture.type), picture.data) for picture in id3.getall("APIC")]
    return place


def _id3_values(key: str, frame: Any) -> Iterable[Any]:
    values: list[Any] = frame.genres if key == "TCON" else frame.text
    return values


def _artists_of_23(texts: list[Any]) -> list[str]:
    """ID3v2.3 separates artists by a slash, and AC/DC have one in their name: only between full
    names, or with spaces beside it, is it a separator.
    """
    text = str(texts[0])
    parts = re.split(r"\s*/\s*", text)
    is_list = len(texts) == 1 and (" / " in text or all(" " in part for part in parts))
    return parts if is_list and all(parts) else [str(each) for each in texts]


def _from_ape(items: APEv2) -> Place:
    place = Place()
    for name, keys in APE_ITEMS.items():
        for key in keys:
            if key in items and not isinstance(items[key], APEBinaryValue):
                place.add(name, *items[key])
    for key in ("cover art (front)", "cover art (back)"):
        if isinstance(cover := items.get(key), APEBinaryValue):
            kind = FRONT_COVER if "front" in key else FRONT_COVER + 1
            place.pictures.append((kind, cast(bytes, cover.value).partition(b"\0")[2]))
    return place


def _from_flac(file: BinaryIO) -> Iterator[Place]:
    flac = FLAC(file)
    place = _from_vorbis(flac.tags)
    place.pictures = [(int(each.type), each.data) for each in flac.pictures] + place.pictures
    place.add("bit_depth", flac.info.bits_per_sample)
    yield place


def _from_ogg_flac(file: BinaryIO) -> Iterator[Place]:
    flac: Any = OggFLAC(file)  # its types know no `info`
    place = _from_vorbis(flac.tags)
    place.add("bit_depth", flac.info.bits_per_sample)
    yield place


def _from_opus(comments: Any) -> Place:
    place = _from_vorbis(comments)
    for name in ("track", "album"):
        for written in (comments or {}).get(f"r128_{name}_gain", []):
            gain_db = int(written) * _R128_STEP_DB + _R128_TO_REPLAY_GAIN_DB
            place.add(f"replay_gain_{name}_db", round(gain_db, 6))
    return place


def _from_vorbis(comments: Any) -> Place:
    place = Place()
    if comments is None:
        return place
    for name, keys in VORBIS_COMMENTS.items():
        for key in keys:
            place.add(name, *comments.get(key, []))
    place.add("encoder", comments.vendor)
    place.pictures = [
        *filter(None, map(_picture, comments.get("metadata_block_picture", []))),
        *filter(None, map(_old_picture, comments.get("coverart", []))),
    ]
    return place


def _picture(encoded: str) -> Found | None:
    with one_by_one():
        picture = Picture(base64.b64decode(encoded))
        return int(picture.type), picture.data
    return None


def _old_picture(encoded: str) -> Found | None:
    """COVERART: the bare picture, before METADATA_BLOCK_PICTURE was agreed on."""
    with one_by_one():
        return FRONT_COVER, base64.b64decode(encoded)
    return None


def _from_mp4(file: BinaryIO) -> Iterator[Place]:
    mp4: Any = MP4(file)  # its types know neither `info` nor `tags`
    place = Place()
    if mp4.info.codec.startswith("alac"):
        place.add("bit_depth", mp4.info.bits_per_sample)
    atoms = mp4.tags or {}
    by_name = {(key.lower() if key.startswith("----") else key): atoms[key] for key in atoms}
    for name, keys in MP4_ATOMS.items():
        for key in keys:
            place.add(name, *map(_mp4_value, _as_list(by_name.get(key, []))))
    place.pictures = [(FRONT_COVER, bytes(picture)) for picture in by_name.get("covr", [])]
    yield place


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mp4_value(value: Any) -> Any:
    if isinstance(value, tuple):  # number, how many in all
        return value[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
