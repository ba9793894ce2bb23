"""Is it sound, and what does it say about itself? Decoding it whole is the check."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from gateways.audio.decode import MIN_DURATION_S, Decoder, Refusal
from gateways.audio.facts import Accepted, AudioFacts, Refused, SaidOfSound
from gateways.audio.pictures import choose_cover
from gateways.audio.playable import is_playable
from gateways.audio.promised import missing_s
from gateways.audio.tags import read_tags


def probe(file: BinaryIO) -> Accepted | Refused:
    """Decode the open file once from beginning to end, in flat memory, and read its tags."""
    try:
        audio, decoder = _decode(file)
    except Refusal as refusal:
        return refusal.refused
    codec = audio.codec or ""
    said = read_tags(file, decoder.demuxer, codec, decoder.said)
    return Accepted(
        audio=audio.model_copy(update=_said_of_sound(said.sound, decoder)),
        playable=is_playable(decoder.demuxer, codec),
        tags=said.tags,
        cover=choose_cover(said.pictures),
        cover_note=said.cover_note,
        pictures=said.pictures,
    )


def _said_of_sound(said: SaidOfSound, decoder: Decoder) -> dict[str, Any]:
    """With the depth of raw samples, which their codec's name tells: pcm_s24le, pcm_mulaw; fewer
    bits may be valid.
    """
    codec = decoder.codec
    raw = re.match(r"pcm_[suf](\d+)", codec)
    depth = int(raw[1]) if raw else 8 if codec.startswith("pcm_") else said.bit_depth
    return {**said.model_dump(), "bit_depth": decoder.valid_bits or depth}


def _decode(file: BinaryIO) -> tuple[AudioFacts, Decoder]:
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
        truncated=missing_s(decoder, file) > 0,
    )
    return facts, decoder


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
