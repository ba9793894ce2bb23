"""WAV samples in words that are wider than they are: 24 valid bits in 32.

libavformat takes the valid bits for the width of the words, and then a wrong codec. The samples lie
at the top of their words, so reading whole words gives the same sound.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, cast

from gateways.audio.chunks import read_form
from gateways.audio.patched import Patched

_EXTENSIBLE = 0xFFFE
# Kind, channels, rate, bytes a second, bytes of one sample of all channels, bits of a word; size of
# what follows, valid bits, places, and what the kind stands for.
_FORMAT = struct.Struct("<HHIIHHHHI2s")
_PCM = b"\x01\0"
_WORD_BITS = (8, 16, 24, 32)
_W64, _W64_FORMAT_AT = b"riff", 40


def with_whole_words(file: BinaryIO) -> tuple[BinaryIO, int | None]:
    """The file as a decoder reads it right, and the valid bits where there are fewer than a word
    has; the file itself and None for all others.
    """
    at = _format_at(file)
    if at is None:
        return file, None
    file.seek(at)
    head = file.read(_FORMAT.size)
    if len(head) < _FORMAT.size:
        return file, None
    kind, channels, _, _, block_bytes, _, _, valid, _, stands_for = _FORMAT.unpack(head)
    word_bits = block_bytes * 8 // channels if channels else 0
    if kind != _EXTENSIBLE or stands_for != _PCM or word_bits not in _WORD_BITS:
        return file, None
    if not 0 < valid < word_bits:
        return file, None
    whole = Patched(file)
    for place in (14, 18):
        whole.seek(at + place)
        whole.write(struct.pack("<H", word_bits))
    return cast(BinaryIO, whole), valid


def _format_at(file: BinaryIO) -> int | None:
    file.seek(0)
    if file.read(4) == _W64:
        file.seek(_W64_FORMAT_AT)
        return _W64_FORMAT_AT + 24 if file.read(4) == b"fmt " else None
    try:
        formats = read_form(file).named(b"fmt ")
    except (ValueError, struct.error):
        return None
    return formats[0].data if formats else None
