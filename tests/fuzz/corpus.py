"""`python -m tests.fuzz.corpus` writes the saved corpus anew: small files of every format, and
whatever once broke something.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from mutagen import id3, mp4
from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from gateways.audio.peaks import PeaksBuilder
from tests.fixtures.audio_corpus import tone, write_encoded
from tests.fixtures.odd_tags import write_odd_tag_corpus
from tests.fuzz.targets import FORMATS

CORPUS = Path(__file__).with_name("saved")
_PNG = (
    b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 2, 2, 8, 2, 0, 0, 0) + bytes(40)
)
_SUFFIX_OF_FORMAT = (
    *(".mp3", ".flac", ".ogg", ".opus", ".flac", ".wav", ".aiff", ".m4a", ".mp3", ".wav"),
)
_FORMAT_OF_SUFFIX = {".mp3": 0, ".flac": 1, ".ogg": 2, ".wav": 5, ".aiff": 6}


def write_corpus() -> None:
    """Names say what is in a file; what crashes added (`crash-*`) stays."""
    with tempfile.TemporaryDirectory() as folder:
        files = {path.suffix: path.read_bytes() for path in _tagged(Path(folder))}
    for suffix, data in files.items():
        _save("probe", suffix[1:], data)
    for number, ((demuxer, codec), suffix) in enumerate(
        zip(FORMATS, _SUFFIX_OF_FORMAT, strict=True)
    ):
        name = f"{demuxer.split(',')[0]}-{codec}"
        _save("tags", name, bytes([number]) + files[suffix])
    _save("tags", "wav-chunks", b"\x05" + _wav_with_chunks())
    with tempfile.TemporaryDirectory() as folder:
        for name, path in write_odd_tag_corpus(Path(folder), 0.06).items():
            data, name = path.read_bytes(), name.replace(", ", "-").replace(" ", "-").lower()
            _save("tags", name, bytes([_FORMAT_OF_SUFFIX[path.suffix]]) + data)
            _save("write", name, bytes([len(name) % 3]) + data)
    for name, frames in (("empty", 0), ("short", 100), ("long", 20_000)):
        builder = PeaksBuilder(44_100, 2)
        builder.feed(np.sin(np.arange(2 * frames) / 9).reshape(-1, 2).astype(np.float32))
        _save("peaks", name, struct.pack("<H", 1024) + builder.finish())


def _save(target: str, name: str, data: bytes) -> None:
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _tagged(folder: Path) -> Iterator[Path]:
    for suffix in dict.fromkeys(_SUFFIX_OF_FORMAT):
        path = write_encoded(folder / f"a{suffix}", tone(0.06))
        _TAG[suffix](path)
        yield path


def _id3(opened: MP3 | WAVE | AIFF) -> None:
    if opened.tags is None:
        opened.add_tags()
    for frame in (
        id3.TIT2(text="Tide"), id3.TPE1(text=["Ona", "Ib"]), id3.TDRC(text="2021-03-02"),
        id3.TRCK(text="3/9"), id3.TCON(text="(17)"), id3.TBPM(text="128"), id3.TKEY(text="Am"),
        id3.TXXX(desc="REPLAYGAIN_TRACK_GAIN", text="-6.48 dB"),
        id3.COMM(lang="eng", desc="", text="made at night"),
        id3.APIC(mime="image/png", type=3, desc="c", data=_PNG),
    ):  # fmt: skip
        opened.tags.add(frame)
    opened.save()


def _vorbis(opened: FLAC | OggVorbis | OggOpus) -> None:
    opened.update(title="Tide", artist=["Ona", "Ib"], date="2021", tracknumber="3", bpm="128")
    opened["replaygain_track_gain" if not isinstance(opened, OggOpus) else "r128_track_gain"] = "-6"
    opened.save()


def _flac(path: Path) -> None:
    flac = FLAC(path)
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", _PNG
    flac.add_picture(picture)
    _vorbis(flac)


def _mp4(path: Path) -> None:
    opened = MP4(path)
    opened["\xa9nam"], opened["trkn"], opened["tmpo"] = "Tide", [(3, 9)], [128]
    opened["covr"] = [mp4.MP4Cover(_PNG, mp4.MP4Cover.FORMAT_PNG)]
    opened["----:com.apple.iTunes:initialkey"] = [mp4.MP4FreeForm(b"8A")]
    opened.save()


_TAG = {
    ".mp3": lambda path: _id3(MP3(path)),
    ".wav": lambda path: _id3(WAVE(path)),
    ".aiff": lambda path: _id3(AIFF(path)),
    ".flac": _flac,
    ".ogg": lambda path: _vorbis(OggVorbis(path)),
    ".opus": lambda path: _vorbis(OggOpus(path)),
    ".m4a": _mp4,
}


def _wav_with_chunks() -> bytes:
    info = b"".join(
        name + struct.pack("<I", len(text)) + text
        for name, text in ((b"INAM", b"Tide\0\0"), (b"IART", b"Ona\0"), (b"ICRD", b"2021\0\0"))
    )
    bext = b"from the desk".ljust(256, b"\0") + b"Recorder".ljust(32, b"\0") + bytes(32)
    bext += b"2021-03-02" + bytes(302)
    body = io.BytesIO()
    for name, data in (
        (b"fmt ", struct.pack("<HHIIHH", 1, 1, 44_100, 88_200, 2, 16)),
        (b"bext", bext),
        (b"LIST", b"INFO" + info),
        (b"data", bytes(4000)),
    ):
        body.write(name + struct.pack("<I", len(data)) + data)
    return b"RIFF" + struct.pack("<I", 4 + body.tell()) + b"WAVE" + body.getvalue()


if __name__ == "__main__":
    write_corpus()
