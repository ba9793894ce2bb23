"""The waveform alone, for a track that waits to be analysed. Runs in the limited child only."""

from __future__ import annotations

from typing import BinaryIO

from gateways.audio.decode import Blocks, Decoder, Refusal
from gateways.audio.facts import Drawn, Refused
from gateways.audio.peaks import PeaksBuilder
from gateways.audio.seconds import whole_seconds
from gateways.audio.sound import SAMPLE_RATE_HZ


def draw(file: BinaryIO) -> Drawn | Refused:
    """Decode an open file that was accepted, once, in flat memory."""
    try:
        decoder = Decoder(file)
        try:
            blocks = Blocks(decoder, SAMPLE_RATE_HZ)
            peaks = PeaksBuilder(SAMPLE_RATE_HZ, blocks.channels)
            for second in whole_seconds(blocks, SAMPLE_RATE_HZ):
                peaks.feed(second)
        finally:
            decoder.close()
    except Refusal as refusal:
        return refusal.refused
    return Drawn(peaks=peaks.finish())
