"""How much of a recording is missing: what the file's header promises, less what was decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

import mutagen
from mutagen.aiff import AIFF
from mutagen.mp3 import MP3, BitrateMode
from mutagen.wave import WAVE

from gateways.audio.cpu import within_cpu
from gateways.audio.decode import Decoder

# libavformat trims what these headers state to the size of the file, or guesses.
_STATED: dict[str, Callable[[BinaryIO], Any]] = {"mp3": MP3, "wav": WAVE, "aiff": AIFF}
_ENDLESS_BYTES = 0xFFFFFF00  # a WAV written to a pipe states the largest number there is
# FLAC counts its samples; other headers and their encoders' padding differ by some frames.
_TOLERANCE_S = {"flac": 0.02}
_USUAL_TOLERANCE_S = 1.0
MAX_CPU_S = 2.0


def missing_s(decoder: Decoder, file: BinaryIO) -> float:
    """Measures what is missing once the decoder was read to the end. The answer is 0 where nothing
    is promised, and for up to a second (FLAC: 20 ms)."""
    promised_s = decoder.claimed_duration_s
    if decoder.demuxer in _STATED:
        promised_s = stated_duration_s(file, decoder.demuxer)
    tolerance_s = _TOLERANCE_S.get(decoder.demuxer, _USUAL_TOLERANCE_S)
    if promised_s is None or promised_s - decoder.decoded_s <= tolerance_s:
        return 0.0
    return promised_s - decoder.decoded_s


def stated_duration_s(file: BinaryIO, demuxer: str) -> float | None:
    """The length that the header states (MP3: a Xing, Info or VBRI header); None without one."""
    try:
        with within_cpu(MAX_CPU_S):
            file.seek(0)
            info = _STATED[demuxer](file).info
    except (mutagen.MutagenError, ValueError, OverflowError, ArithmeticError, TimeoutError):
        return None
    if getattr(info, "bitrate_mode", None) == BitrateMode.UNKNOWN:
        return None
    endless = info.length * info.bitrate / 8 >= _ENDLESS_BYTES
    return None if endless else float(info.length)
