"""Is it sound, and what does it say about itself? Decoding it whole is the check."""

from __future__ import annotations

from typing import BinaryIO

import mutagen
from mutagen.mp3 import MP3, BitrateMode

from gateways.audio.decode import MIN_DURATION_S, Decoder, Refusal
from gateways.audio.facts import Accepted, AudioFacts, Refused
from gateways.audio.tags import read_tags

TRUNCATED_AFTER_S = 1.0


def probe(file: BinaryIO) -> Accepted | Refused:
    """Decode the open file once from beginning to end, in flat memory, and read its tags."""
    try:
        audio, demuxer = _decode(file)
    except Refusal as refusal:
        return refusal.refused
    tags, cover = read_tags(file, demuxer, audio.codec or "")
    return Accepted(audio=audio, tags=tags, cover=cover)


def _decode(file: BinaryIO) -> tuple[AudioFacts, str]:
    decoder = Decoder(file)
    try:
        for _ in decoder.frames():
            pass
    finally:
        decoder.close()
    _check_decoded(decoder)
    facts = AudioFacts(
        duration_s=round(decoder.decoded_s, 6),
        sample_rate_hz=decoder.sample_rate_hz,
        channels=decoder.channels,
        codec=decoder.codec,
        bitrate_bps=round(decoder.audio_bytes * 8 / decoder.decoded_s),
        truncated=_is_truncated(decoder, file),
    )
    return facts, decoder.demuxer


def _check_decoded(decoder: Decoder) -> None:
    if decoder.good_packets == 0:
        if decoder.demuxer in ("mp3", "aac"):  # a tag or a stray sync word is enough for these
            raise Refusal("not-audio", "There is no sound in this file, whatever its name says.")
        raise Refusal("corrupt", "The file is damaged: nothing in it can be played.")
    if decoder.bad_packets > decoder.good_packets:
        raise Refusal("corrupt", "The file is damaged: most of it cannot be played.")
    if decoder.decoded_s < MIN_DURATION_S:
        raise Refusal(
            "too-short",
            f"The file lasts {decoder.decoded_s * 1000:.2f} ms; "
            f"the shortest we take is {MIN_DURATION_S * 1000:.0f} ms.",
        )


def _is_truncated(decoder: Decoder, file: BinaryIO) -> bool:
    claimed_s = decoder.claimed_duration_s
    if decoder.demuxer == "mp3":
        claimed_s = _xing_duration_s(file)
    return claimed_s is not None and claimed_s - decoder.decoded_s > TRUNCATED_AFTER_S


def _xing_duration_s(file: BinaryIO) -> float | None:
    """The length an MP3 states in a Xing, Info or VBRI header; None when it has none."""
    try:
        file.seek(0)
        info = MP3(file).info
    except (mutagen.MutagenError, ValueError, OverflowError):
        return None
    return None if info.bitrate_mode == BitrateMode.UNKNOWN else float(info.length)
