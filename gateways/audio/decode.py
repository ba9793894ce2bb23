"""Foreign bytes to sound, with PyAV, in bounded memory. Runs in the limited child only.

PyAV gets an open file, never a name, and no protocol: a playlist or a concat script cannot open
anything else. Only the demuxers and codecs named here are let in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler

from gateways.audio.facts import RefusalCode, Refused
from gateways.audio.valid_bits import with_whole_words
from schemas.audio.files import CONTAINERS

av.logging.set_level(av.logging.PANIC)

DEMUXERS = tuple(CONTAINERS)
CODECS = ("mp3", "mp3float", "flac", "vorbis", "libvorbis", "opus", "libopus", "aac", "alac")
PCM_CODECS = tuple(
    f"pcm_{kind}"
    for kind in (
        *("s8", "u8", "alaw", "mulaw"),
        *("s16le", "s24le", "s32le", "f32le", "f64le"),
        *("s16be", "s24be", "s32be", "f32be", "f64be"),
    )
)
# A stream of frames carries no length of its own: libavformat guesses from the first bitrate
# (274.7 s for a 61.5 s VBR file without a Xing header).
LENGTHLESS_DEMUXERS = ("mp3", "aac")

MAX_CHANNELS = 8
MAX_SAMPLE_RATE_HZ = 192_000
MAX_DURATION_S = 4 * 3600
# Four hours of 48 kHz stereo; a small FLAC can hold thousands of times its own size.
MAX_SAMPLES = 4 * 3600 * 48_000 * 2
MIN_DURATION_S = 0.05
LOUDEST = 1000.0  # of full scale


class Refusal(Exception):
    """The file is not taken: carries the `Refused` to answer with."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.refused = Refused(code=code, reason=reason)


class Decoder:
    """The first audio stream of an open file. Iterate `frames()` once; the counters then hold.

    Raises Refusal from the constructor (header) or while iterating (limits).
    """

    def __init__(self, file: BinaryIO) -> None:
        self.size_bytes = file.seek(0, os.SEEK_END)
        if self.size_bytes == 0:
            raise Refusal("empty-file", "The file is empty (0 bytes): export it again.")
        file, self.valid_bits = with_whole_words(file)
        file.seek(0)
        self._container = _open(file)
        self.demuxer = self._container.format.name
        self._stream = self._audio_stream()
        context = self._stream.codec_context
        self.codec = context.codec.canonical_name
        self.sample_rate_hz = context.sample_rate
        self.channels = context.layout.nb_channels
        self.places = tuple(channel.name for channel in context.layout.channels)
        self._check_shape(self.channels, self.sample_rate_hz)
        self.claimed_duration_s = self._claimed_duration_s()
        # What libavformat makes of the tags; the whole file says more than its first stream, whose
        # encoder is a few letters out of a frame.
        of_stream = {k: v for k, v in self._stream.metadata.items() if k != "encoder"}
        self.said = {**of_stream, **self._container.metadata}
        self.decoded_s = 0.0
        self.audio_bytes = 0
        self.good_packets = 0
        self.bad_packets = 0
        self._samples = 0

    def close(self) -> None:
        self._container.close()

    def frames(self) -> Iterator[AudioFrame]:
        """Every decoded frame, damaged packets skipped and counted."""
        try:
            for packet in self._container.demux(self._stream):
                yield from self._decode(packet)
        except av.error.FFmpegError:
            self.bad_packets += 1

    def packets(self) -> Iterator[bytes]:
        """The stream as it is stored, not decoded."""
        for packet in self._container.demux(self._stream):
            yield bytes(packet)

    def _decode(self, packet: av.Packet[av.AudioStream]) -> Iterator[AudioFrame]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            self.bad_packets += 1
            return
        self.audio_bytes += packet.size
        self.good_packets += 1 if frames else 0
        for frame in frames:
            self._count(frame)
            yield frame

    def _count(self, frame: AudioFrame) -> None:
        self._check_shape(frame.layout.nb_channels, frame.sample_rate)
        self.decoded_s += frame.samples / frame.sample_rate
        self._samples += frame.samples * frame.layout.nb_channels
        if self.decoded_s > MAX_DURATION_S:
            raise _too_long()
        if self._samples > MAX_SAMPLES:
            raise Refusal(
                "limits-exceeded",
                "Unpacked, this file is larger than we can take: "
                "mix it down to stereo at 48 kHz, or split it.",
            )

    def _audio_stream(self) -> av.AudioStream:
        if not self._container.streams.audio:
            raise Refusal("no-audio-stream", "There is no sound in this file, only other data.")
        stream = self._container.streams.audio[0]
        context = stream.codec_context
        name = context.codec.name if context is not None else "unknown"
        if name not in CODECS and name not in PCM_CODECS:
            raise Refusal(
                "unsupported-codec",
                f"The sound inside is {name}, which we cannot read: "
                "export it as WAV, FLAC, MP3, AAC, Ogg or Opus.",
            )
        context.thread_count = 1
        return stream

    def _check_shape(self, channels: int, sample_rate_hz: int) -> None:
        if channels > MAX_CHANNELS:
            raise Refusal(
                "too-many-channels",
                f"The file has {channels} channels and we take up to {MAX_CHANNELS}: "
                "mix it down to stereo.",
            )
        if channels < 1 or sample_rate_hz < 1:
            raise Refusal("corrupt", "The header names no channels or no sample rate.")
        if sample_rate_hz > MAX_SAMPLE_RATE_HZ:
            raise Refusal(
                "limits-exceeded",
                f"The sample rate is {sample_rate_hz} Hz and we take up to "
                f"{MAX_SAMPLE_RATE_HZ}: export it at 48 or 96 kHz.",
            )

    def _claimed_duration_s(self) -> float | None:
        """Reads the claimed length of the sound alone: a film beside it may be longer."""
        if self.demuxer in LENGTHLESS_DEMUXERS:
            return None
        stream, whole = self._stream, self._container.duration
        if stream.duration is not None and stream.time_base is not None:
            claimed_s = float(stream.duration * stream.time_base)
        elif whole is not None and len(self._container.streams) == 1:
            claimed_s = whole / av.time_base
        else:
            return None
        # Raw samples cannot be longer than their file, so a lying WAV header is only a lie;
        # a packed file that says it lasts a day is refused before it is unpacked.
        if claimed_s > MAX_DURATION_S and self.demuxer not in ("wav", "w64", "aiff"):
            raise _too_long()
        return claimed_s


def _too_long() -> Refusal:
    hours = MAX_DURATION_S // 3600
    return Refusal("too-long", f"The recording is longer than {hours} hours: split it.")


def _open(file: BinaryIO) -> av.container.InputContainer:
    try:
        return av.open(
            file,
            "r",
            container_options={
                "protocol_whitelist": "none",
                "format_whitelist": ",".join(DEMUXERS),
            },
            metadata_errors="replace",
        )
    except av.error.FFmpegError as error:
        if _begins_like_sound(file):
            raise Refusal(
                "corrupt", "The file is cut off or damaged: export or download it again."
            ) from error
        raise Refusal(
            "not-audio",
            "This is not a sound file we know: export it as WAV, FLAC, MP3, AAC, Ogg or Opus.",
        ) from error


def _begins_like_sound(file: BinaryIO) -> bool:
    file.seek(0)
    start = file.read(12)
    return start[:4] in (b"fLaC", b"OggS") or start[4:8] == b"ftyp" or start[8:] == b"WAVE"


class Blocks:
    """Frames of any shape to float32 blocks (samples, 1 or 2) at one rate.

    More than two channels become a stereo downmix; `whole` is given all of them before that, as
    blocks (samples, channels) at the file's own rate. Chained streams may change shape on the way:
    the resampler is drained and made anew. Not-a-number and infinity become silence, and nothing is
    over +60 dBFS: squares of what a float file may hold are infinite.
    """

    def __init__(
        self,
        decoder: Decoder,
        sample_rate_hz: int,
        whole: Callable[[np.ndarray], object] | None = None,
    ) -> None:
        self._decoder = decoder
        self._rate = sample_rate_hz
        self._whole = whole
        self._unmixed: AudioResampler | None = None
        self._unmixed_shape: tuple[str, str, int] | None = None
        self._layout: AudioLayout | None = None
        self.channels = min(decoder.channels, 2)

    def __iter__(self) -> Iterator[np.ndarray]:
        resampler: AudioResampler | None = None
        shape = None
        for frame in self._decoder.frames():
            frame.pts = None  # gaps in a damaged file are closed, not filled
            self._give_whole(frame)
            if resampler is None or shape != _shape(frame):
                if resampler is not None:
                    yield from self._arrays(resampler.resample(None))
                shape, resampler = _shape(frame), self._resampler(frame)
            yield from self._arrays(resampler.resample(frame))
        if resampler is not None:
            yield from self._arrays(resampler.resample(None))

    def _give_whole(self, frame: AudioFrame) -> None:
        if self._whole is None:
            return
        # The layout of the first frame holds for all.
        layout = self._layout = self._layout or frame.layout
        if self._unmixed is None or self._unmixed_shape != _shape(frame):
            # Interleaved, because PyAV 18.1 reads a ninth plane of a planar frame of eight
            # channels, and that ends the process.
            rate_hz = self._decoder.sample_rate_hz
            self._unmixed = AudioResampler(format="flt", layout=layout, rate=rate_hz)
            self._unmixed_shape = _shape(frame)
        for whole in self._unmixed.resample(frame):
            self._whole(_finite(whole.to_ndarray().reshape(-1, layout.nb_channels)))

    def _resampler(self, frame: AudioFrame) -> AudioResampler:
        # A mono file stays one channel: swresample's mono to stereo is 3 dB down, so wrong peaks.
        same = frame.layout.nb_channels == self.channels
        layout = frame.layout if same else ("mono" if self.channels == 1 else "stereo")
        return AudioResampler(format="fltp", layout=layout, rate=self._rate)

    def _arrays(self, frames: list[AudioFrame]) -> Iterator[np.ndarray]:
        for frame in frames:
            yield _finite(frame.to_ndarray().T)


def _finite(samples: np.ndarray) -> np.ndarray:
    """A copy without what is no number."""
    block = samples.astype(np.float32, copy=True)
    if not np.isfinite(block).all():
        block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(block, -LOUDEST, LOUDEST, out=block)


def _shape(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
