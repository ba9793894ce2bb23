"""Tags into a copy of a file, the sound in it untouched. Runs in the limited child only.

No place of the file goes on saying what was before: each is written anew or taken out, and what
still says something else is named.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from mutagen.flac import FLAC
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from pydantic import ValidationError

from gateways.audio.decode import Decoder, Refusal
from gateways.audio.facts import FileTags, Refused, Rewritten
from gateways.audio.frame_tags import find_places
from gateways.audio.patched import Patched
from gateways.audio.tag_spelling import Changes, Written, written
from gateways.audio.tags import demuxed_place, read_places, said_by
from gateways.audio.write_chunks import write_chunks
from gateways.audio.write_comments import write_mp4, write_vorbis
from gateways.audio.write_frames import write_around_flac, write_around_frames

Sink = Callable[[bytes], object]


def rewrite(file: BinaryIO, changes: Changes, sink: Sink) -> Rewritten | Refused:
    """The file with these tags to `sink` in chunks; what its format cannot hold is named.

    Refuses what does not decode, what has no tags that can be written, and a result whose stored
    sound is not the same to the byte.
    """
    try:
        demuxer, codec, before, demuxed = _sound(file)
        said = [*read_places(file, demuxer, codec), demuxed_place(demuxed)]
        copy = Patched(file)
        file_like = cast(BinaryIO, copy)
        _writer(demuxer, codec)(copy, written(changes, said_by(*said)))
        *after, demuxed = _sound(file_like)
        if after != [demuxer, codec, before]:
            raise Refusal("corrupt", "The tags of this file cannot be changed without damage.")
    except Refusal as refusal:
        return refusal.refused
    except Exception as error:  # what mutagen raises of a damaged file is anything
        return Refused(
            code="corrupt", reason=f"The tags in this file are damaged ({type(error).__name__})."
        )
    places = read_places(file_like, demuxer, codec)
    now = said_by(*places, demuxed_place(demuxed))
    for chunk in copy.chunks():
        sink(chunk)
    each = [said_by(place) for place in places]
    left_out = tuple(name for name in changes if not _is_said(name, changes[name], now, each))
    return Rewritten(tags=now, left_out=left_out)


def _is_said(name: str, value: Any, now: FileTags, each: list[FileTags]) -> bool:
    """Checks that the file as a whole says the value, and that no place of it says another."""
    if name in ("artists", "genres"):
        value = tuple(value) if value and len(value) > 1 else None
    try:
        wanted = getattr(FileTags.model_validate({name: value}), name)
    except ValidationError:  # what a file may say is narrower than what a musician may
        return False
    return getattr(now, name) == wanted and {getattr(one, name) for one in each} <= {wanted, None}


def _sound(file: BinaryIO) -> tuple[str, str, bytes, dict[str, str]]:
    """Demuxer, codec, a hash of every packet as it is stored, and what the demuxer says."""
    decoder = Decoder(file)
    demuxed = decoder.said
    try:
        if decoder.demuxer in _FRAMES:  # what is behind the last frame would count as part of it
            decoder.close()
            decoder = Decoder(_without_tags_behind(file))
        digest = hashlib.sha256()
        for packet in decoder.packets():
            digest.update(packet)
        return decoder.demuxer, decoder.codec or "", digest.digest(), demuxed
    finally:
        decoder.close()


_FRAMES = ("mp3", "aac", "flac")


def _without_tags_behind(file: BinaryIO) -> BinaryIO:
    bare = Patched(file)
    end = bare.seek(0, os.SEEK_END)
    for place in sorted(find_places(file), key=lambda one: -one.end):
        if place.end == end and place.start > 0:
            bare.replace(place.start, end, b"")
            end = place.start
    return cast(BinaryIO, bare)


def _writer(demuxer: str, codec: str) -> Callable[[Patched, Written], None]:
    match demuxer, codec:
        case (("wav" | "aiff"), _):
            return write_chunks
        case "w64", _:
            raise Refusal(
                "tags-not-writable",
                "A Wave64 file has no place for tags that other programs read: export it as WAV or "
                "FLAC, and write them there.",
            )
        case (("mp3" | "aac"), _):
            return write_around_frames
        case "flac", _:
            return _write_flac
        case "ogg", "opus":
            return lambda copy, tags: write_vorbis(OggOpus(copy), copy, tags)
        case "ogg", "flac":
            return lambda copy, tags: write_vorbis(OggFLAC(copy), copy, tags)
        case "ogg", _:
            return lambda copy, tags: write_vorbis(OggVorbis(copy), copy, tags)
        case _:
            return write_mp4


def _write_flac(copy: Patched, tags: Written) -> None:
    write_around_flac(copy, tags)
    write_vorbis(FLAC(copy), copy, tags)
