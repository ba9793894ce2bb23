"""A file that browsers cannot play as an MP3 that they can. Runs in the limited child only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import av
import numpy as np

from gateways.audio.decode import Blocks, Decoder, Refusal
from gateways.audio.facts import Refused, Rendition

# Constant, so that a browser finds a second without an index: the stream cannot be rewound to write
# one at its beginning.
BITRATE_BPS = 256_000
# LAME's default takes twice the time: 22 instead of 46 seconds of sound a second.
_QUALITY = {"compression_level": "7"}
_CHUNK_BYTES = 64 * 1024

Sink = Callable[[bytes], object]


def render(file: BinaryIO, sink: Sink) -> Rendition | Refused:
    """MP3 of an open file that was accepted before, handed to `sink` in chunks of some 64 KiB.

    44.1 or 48 kHz, whichever divides the rate better; mono, or stereo for any more channels. It is
    24 to 52 ms longer than the file: an MP3 is whole frames, and its encoder looks ahead.
    """
    try:
        decoder = Decoder(file)
        try:
            return _render(decoder, sink)
        finally:
            decoder.close()
    except Refusal as refusal:
        return refusal.refused


def _render(decoder: Decoder, sink: Sink) -> Rendition:
    rate_hz = 44_100 if decoder.sample_rate_hz % 11_025 == 0 else 48_000
    blocks = Blocks(decoder, rate_hz)
    held = bytearray()
    for packet in _encoded(blocks, rate_hz):
        held += packet
        if len(held) >= _CHUNK_BYTES:
            sink(bytes(held))
            held.clear()
    if decoder.good_packets == 0:
        raise Refusal("corrupt", "The file is damaged: nothing in it can be played.")
    sink(bytes(held))
    return Rendition(
        media_type="audio/mpeg",
        sample_rate_hz=rate_hz,
        channels=blocks.channels,
        bitrate_bps=BITRATE_BPS,
    )


def _encoded(blocks: Blocks, rate_hz: int) -> Iterator[bytes]:
    """MP3 frames. They stand alone: no muxer is needed, and none would be able to seek."""
    encoder = av.AudioCodecContext.create("libmp3lame", "w")
    layout = "mono" if blocks.channels == 1 else "stereo"
    encoder.sample_rate, encoder.layout, encoder.format = rate_hz, layout, "fltp"
    encoder.bit_rate, encoder.options = BITRATE_BPS, _QUALITY
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), "fltp", layout)
        frame.sample_rate = rate_hz
        yield from map(bytes, encoder.encode(frame))
    yield from map(bytes, encoder.encode(None))
