"""Tracks to files: encoded with PyAV, tagged with mutagen, some with a cover."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TBPM, TCON, TDRC, TIT2, TKEY, TPE1, TRCK, TSRC, Frame
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from runtime.demo_music.composer import compose
from runtime.demo_music.instruments import SAMPLE_RATE_HZ
from runtime.demo_music.tracks import TrackSpec, catalogue


@dataclass(frozen=True)
class TrackTruth:
    """A written file and everything that is known about it."""

    path: Path
    title: str
    artist: str
    album: str
    year: int
    genre: str
    track: int
    tempo_bpm: float
    key: str
    isrc: str
    duration_s: float
    has_cover: bool


@dataclass(frozen=True)
class _Encoding:
    codec: str
    sample_format: str
    rate_hz: int = SAMPLE_RATE_HZ
    bitrate_bps: int | None = None


ENCODINGS = {
    "flac": _Encoding("flac", "s16"),
    "mp3": _Encoding("libmp3lame", "fltp", bitrate_bps=192_000),
    "wav": _Encoding("pcm_s16le", "s16"),
    "m4a": _Encoding("aac", "fltp", bitrate_bps=192_000),
    "ogg": _Encoding("vorbis", "fltp", bitrate_bps=160_000),
    "opus": _Encoding("libopus", "flt", rate_hz=48_000, bitrate_bps=128_000),
    "aiff": _Encoding("pcm_s16be", "s16"),
}


def render(
    folder: Path,
    count: int = 24,
    seed: int = 7,
    duration_s: float | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> list[TrackTruth]:
    """Write `count` tracks in seven formats in turn; every other one has tempo and key in its
    tags, every third a cover. About a second of processor time each; `done` gets how many are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    suffixes = list(ENCODINGS)
    truths = []
    for index, spec in enumerate(catalogue(count, seed, duration_s)):
        suffix = suffixes[index % len(suffixes)]
        path = folder / f"{index + 1:02d} {spec.artist} - {spec.title}.{suffix}"
        samples = compose(spec)
        encode(path, samples)
        truth = _truth(path, spec, index, len(samples) / SAMPLE_RATE_HZ)
        cover = cover_png(spec) if truth.has_cover else None
        write_tags(truth, cover, with_measurable=index % 2 == 0)
        truths.append(truth)
        done(len(truths))
    return truths


def _truth(path: Path, spec: TrackSpec, index: int, duration_s: float) -> TrackTruth:
    return TrackTruth(
        path=path,
        title=spec.title,
        artist=spec.artist,
        album=spec.album,
        year=spec.year,
        genre=spec.genre,
        track=spec.track,
        tempo_bpm=spec.tempo_bpm,
        key=spec.key,
        isrc=f"QZNC9{spec.year % 100:02d}{index + 1:05d}",
        duration_s=duration_s,
        has_cover=index % 3 == 0,
    )


def encode(path: Path, samples: np.ndarray) -> None:
    """Write float samples (n,) or (n, channels) at 44.1 kHz in the format of the suffix."""
    encoding = ENCODINGS[path.suffix[1:]]
    planes = np.ascontiguousarray(np.atleast_2d(samples.T), dtype=np.float32)
    layout = {1: "mono", 2: "stereo"}[len(planes)]
    # libavcodec calls its own Vorbis encoder experimental; it is the one the wheel has.
    with av.open(path, "w", options={"strict": "experimental"}) as container:
        stream = container.add_stream(encoding.codec, rate=encoding.rate_hz, layout=layout)
        assert isinstance(stream, AudioStream)
        stream.format = encoding.sample_format
        stream.codec_context.options = {"strict": "experimental"}
        if encoding.bitrate_bps:
            stream.bit_rate = encoding.bitrate_bps
        stream.codec_context.open()
        fit = av.AudioResampler(
            encoding.sample_format,
            layout,
            encoding.rate_hz,
            stream.codec_context.frame_size or 4096,
        )
        frame = av.AudioFrame.from_ndarray(planes, "fltp", layout)
        frame.sample_rate, frame.time_base, frame.pts = (
            SAMPLE_RATE_HZ,
            Fraction(1, SAMPLE_RATE_HZ),
            0,
        )
        for fitted in (*fit.resample(frame), *fit.resample(None)):
            container.mux(stream.encode(fitted))
        container.mux(stream.encode(None))


def cover_png(spec: TrackSpec, size: int = 320) -> bytes:
    """Rings in two of the album's colours: no picture is anybody's."""
    random = np.random.default_rng(sum(spec.album.encode()))
    ground, ink = random.integers(20, 110, 3), random.integers(120, 250, 3)
    y, x = np.mgrid[0:size, 0:size] / size - random.uniform(0.3, 0.7, 2)[:, None, None]
    rings = (np.sin(np.hypot(x, y) * random.uniform(30, 90)) + 1) / 2
    pixels = (ground + rings[..., None] * (ink - ground)).astype(np.uint8)
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = size, size, "rgb24"
    encoder.time_base = Fraction(1, 1)
    packets = encoder.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def write_tags(truth: TrackTruth, cover: bytes | None, with_measurable: bool) -> None:
    """Tag the file in its own way; `with_measurable` adds tempo and key."""
    _WRITERS[truth.path.suffix[1:]](truth, cover, with_measurable)


def _id3(tags: ID3, truth: TrackTruth, cover: bytes | None, with_measurable: bool) -> None:
    frames: list[Frame] = [
        TIT2(text=truth.title), TPE1(text=truth.artist), TALB(text=truth.album),
        TDRC(text=str(truth.year)), TCON(text=truth.genre), TRCK(text=f"{truth.track}/2"),
        TSRC(text=truth.isrc),
    ]  # fmt: skip
    if with_measurable:
        frames += [TBPM(text=f"{truth.tempo_bpm:g}"), TKEY(text=_short_key(truth.key))]
    if cover:
        frames.append(APIC(mime="image/png", type=3, desc="cover", data=cover))
    for frame in frames:
        tags.add(frame)


def _with_id3(kind: type) -> Callable[[TrackTruth, bytes | None, bool], None]:
    def write(truth: TrackTruth, cover: bytes | None, with_measurable: bool) -> None:
        file = kind(truth.path)
        if file.tags is None:
            file.add_tags()
        _id3(file.tags, truth, cover, with_measurable)
        file.save()

    return write


def _with_comments(kind: type) -> Callable[[TrackTruth, bytes | None, bool], None]:
    def write(truth: TrackTruth, cover: bytes | None, with_measurable: bool) -> None:
        file = kind(truth.path)
        comments = {
            "title": truth.title, "artist": truth.artist, "album": truth.album,
            "date": str(truth.year), "genre": truth.genre, "tracknumber": str(truth.track),
            "isrc": truth.isrc,
        }  # fmt: skip
        if with_measurable:
            comments |= {"bpm": f"{truth.tempo_bpm:g}", "initialkey": _short_key(truth.key)}
        for name, value in comments.items():
            file[name] = value
        if cover:
            picture = Picture()
            picture.type, picture.mime, picture.data = 3, "image/png", cover
            if kind is FLAC:
                file.add_picture(picture)
            else:
                file["metadata_block_picture"] = base64.b64encode(picture.write()).decode()
        file.save()

    return write


def _with_atoms(truth: TrackTruth, cover: bytes | None, with_measurable: bool) -> None:
    file = MP4(truth.path)
    file["\xa9nam"], file["\xa9ART"], file["\xa9alb"] = truth.title, truth.artist, truth.album
    file["\xa9day"], file["\xa9gen"] = str(truth.year), truth.genre
    file["trkn"] = [(truth.track, 2)]
    file["----:com.apple.iTunes:ISRC"] = MP4FreeForm(truth.isrc.encode())
    if with_measurable:
        file["tmpo"] = [round(truth.tempo_bpm)]
        file["----:com.apple.iTunes:initialkey"] = MP4FreeForm(_short_key(truth.key).encode())
    if cover:
        file["covr"] = [MP4Cover(cover, imageformat=MP4Cover.FORMAT_PNG)]
    file.save()


def _short_key(key: str) -> str:
    """As ID3 writes it: "A# minor" is "A#m"."""
    note, mode = key.split()
    return note + ("m" if mode == "minor" else "")


_WRITERS: dict[str, Callable[[TrackTruth, bytes | None, bool], None]] = {
    "flac": _with_comments(FLAC),
    "mp3": _with_id3(MP3),
    "wav": _with_id3(WAVE),
    "m4a": _with_atoms,
    "ogg": _with_comments(OggVorbis),
    "opus": _with_comments(OggOpus),
    "aiff": _with_id3(AIFF),
}
