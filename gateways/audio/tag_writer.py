"""Tags into a copy of a file, the sound in it untouched. Runs in the limited child only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from mutagen.aiff import AIFF
from mutagen.flac import FLAC
from mutagen.id3 import COMM, ID3, TXXX, Frames, ID3NoHeaderError
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from gateways.audio.decode import Decoder, Refusal
from gateways.audio.facts import FileTags, Refused, Rewritten
from gateways.audio.patched import Patched
from gateways.audio.tag_names import ID3_FRAMES, MP4_ATOMS, VORBIS_COMMENTS
from gateways.audio.tags import read_tags

Sink = Callable[[bytes], object]
Changes = dict[str, Any]  # by the name of the field; None takes it out
UTF_16, UTF_8 = 1, 3


def rewrite(file: BinaryIO, changes: Changes, sink: Sink) -> Rewritten | Refused:
    """The file with these tags to `sink` in chunks; what its format cannot hold is named.

    Refuses what does not decode, and a result whose stored sound is not the same to the byte.
    """
    try:
        demuxer, codec, before = _sound(file)
        copy = Patched(file)
        file_like = cast(BinaryIO, copy)
        _writer(demuxer, codec)(file_like, changes)
        if _sound(file_like) != (demuxer, codec, before):
            raise Refusal("corrupt", "The tags of this file cannot be changed without damage.")
    except Refusal as refusal:
        return refusal.refused
    except Exception as error:  # what mutagen raises of a damaged file is anything
        return Refused(
            code="corrupt", reason=f"The tags in this file are damaged ({type(error).__name__})."
        )
    said = read_tags(file_like, demuxer, codec).tags
    for chunk in copy.chunks():
        sink(chunk)
    wanted = FileTags.model_validate(changes)
    left_out = tuple(name for name in changes if getattr(said, name) != getattr(wanted, name))
    return Rewritten(tags=said, left_out=left_out)


def _sound(file: BinaryIO) -> tuple[str, str, bytes]:
    """Demuxer, codec and a hash of every packet as it is stored."""
    decoder = Decoder(file)
    try:
        digest = hashlib.sha256()
        for packet in decoder.packets():
            digest.update(packet)
        return decoder.demuxer, decoder.codec or "", digest.digest()
    finally:
        decoder.close()


def _writer(demuxer: str, codec: str) -> Callable[[BinaryIO, Changes], None]:
    match demuxer, codec:
        case (("wav" | "w64"), _):
            return lambda file, changes: _write_in(WAVE(file), file, changes)
        case "aiff", _:
            return lambda file, changes: _write_in(AIFF(file), file, changes)
        case (("mp3" | "aac"), _):
            return _write_id3
        case "flac", _:
            return lambda file, changes: _write_vorbis(FLAC(file), file, changes)
        case "ogg", "opus":
            return lambda file, changes: _write_vorbis(OggOpus(file), file, changes)
        case "ogg", "flac":
            return lambda file, changes: _write_vorbis(OggFLAC(file), file, changes)
        case "ogg", _:
            return lambda file, changes: _write_vorbis(OggVorbis(file), file, changes)
        case _:
            return _write_mp4


def _write_in(opened: Any, file: BinaryIO, changes: Changes) -> None:
    if opened.tags is None:
        opened.add_tags()
    version = _change_id3(opened.tags, changes)
    file.seek(0)
    opened.save(file, v2_version=version)


def _write_id3(file: BinaryIO, changes: Changes) -> None:
    file.seek(0)
    try:
        tags = ID3(file)
    except ID3NoHeaderError:
        tags = ID3()
    version = _change_id3(tags, changes)
    file.seek(0)
    tags.save(file, v2_version=version)


def _change_id3(tags: ID3, changes: Changes) -> int:
    """Which version to save as: 2.3 stays 2.3, for what else reads the file reads that."""
    version = 3 if tags.version[:2] == (2, 3) else 4
    for name, value in changes.items():
        if name == "comment":
            _change_comment(tags, value)
            continue
        written = "TBPM" if name == "tempo_bpm" else ID3_FRAMES[name][0]
        text = _text(name, value, str(tags.get(written, "")))
        for frame in ID3_FRAMES[name]:
            if frame == written or frame not in _FIRST_FRAMES:
                _take_out(tags, frame)
        if value is not None:
            tags.add(Frames[written](encoding=UTF_8 if version == 4 else UTF_16, text=[text]))
            if name == "tempo_bpm" and not float(value).is_integer():  # TBPM is a whole number
                tags.add(TXXX(encoding=UTF_8, desc="BPM", text=[f"{value:g}"]))
                tags.add(Frames["TBPM"](encoding=0, text=[str(round(value))]))
    if version == 3:
        tags.update_to_v23()
    return version


_FIRST_FRAMES = {frames[0] for frames in ID3_FRAMES.values()}


def _take_out(tags: ID3, frame: str) -> None:
    for key in [key for key in tags if key.upper() == frame]:
        del tags[key]


def _change_comment(tags: ID3, value: str | None) -> None:
    for comment in tags.getall("COMM"):
        if comment.desc == "" or comment.desc == "ID3v1 Comment":
            del tags[comment.HashKey]
    if value is not None:
        tags.add(COMM(encoding=UTF_8, lang="XXX", desc="", text=[value]))


def _text(name: str, value: Any, before: str) -> str:
    """As tags spell it; of "3/9" the nine stay."""
    in_all = re.fullmatch(r"\d+(/\d+)", before) if name in ("track", "disc") else None
    return f"{value:g}" if isinstance(value, float) else f"{value}{in_all[1] if in_all else ''}"


def _write_vorbis(opened: Any, file: BinaryIO, changes: Changes) -> None:
    if opened.tags is None:
        opened.add_tags()
    for name, value in changes.items():
        written, *others = VORBIS_COMMENTS[name]
        text = _text(name, value, next(iter(opened.tags.get(written, [])), ""))
        for key in (written, *(other for other in others if other not in _FIRST_COMMENTS)):
            if key in opened.tags:
                del opened.tags[key]
        if value is not None:
            opened.tags[written] = [text]
    file.seek(0)
    opened.save(file)


_FIRST_COMMENTS = {names[0] for names in VORBIS_COMMENTS.values()}


def _write_mp4(file: BinaryIO, changes: Changes) -> None:
    file.seek(0)
    opened = MP4(file)
    if opened.tags is None:
        opened.add_tags()
    atoms = opened.tags
    for name, value in changes.items():
        for key in [key for key in atoms if key.lower() in _atoms_of(name)]:
            if key in ("trkn", "disk") and value is not None:
                continue
            del atoms[key]
        if value is not None:
            atoms.update(_mp4_atoms(atoms, name, value))
    file.seek(0)
    opened.save(file)


def _atoms_of(name: str) -> set[str]:
    first, *others = MP4_ATOMS[name]
    mine = {first, *(other for other in others if other not in _FIRST_ATOMS)}
    return {key.lower() for key in mine}


_FIRST_ATOMS = {names[0] for names in MP4_ATOMS.values()}
# As others spell what MP4 has no atom of its own for.
_FREE_FORM = {"isrc": "ISRC", "label": "LABEL", "key": "initialkey"}


def _mp4_atoms(atoms: Any, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if name in _FREE_FORM:
        yield f"----:com.apple.iTunes:{_FREE_FORM[name]}", [MP4FreeForm(str(value).encode())]
    elif name in ("track", "disc"):
        atom = MP4_ATOMS[name][0]
        (_, of), *_rest = atoms.get(atom) or [(0, 0)]
        yield atom, [(value, of if of >= value else 0)]
    elif name == "tempo_bpm":
        yield "tmpo", [round(value)]
        if not float(value).is_integer():
            yield "----:com.apple.iTunes:BPM", [MP4FreeForm(f"{value:g}".encode())]
    else:
        yield MP4_ATOMS[name][0], [str(value)]
