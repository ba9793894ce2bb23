"""Comparing audio fingerprints (uint32 words every 0.2 s): the same audio, an edit, or neither.

No audio is needed here, and no library: three thousand words are compared in milliseconds.
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ALGORITHM = "noculture-hk-1"
STEP_S = 0.2
MOST_WORDS = 3000  # ten minutes

AudioVerdict = Literal["same audio", "contains or edit of"]

_BLOCK = 25  # words that are judged together: 5 s
# Share of bits that differ. Unrelated music differs in half of them; the spread is far above that
# of chance, because neighbouring words are alike. Among 129 different tracks none of 8,256 pairs
# matched (5 s of two differed by .38 or more). All of 84 copies did, and none differed by over .14
# (MP3 at 128 and, moved by 90 ms, at 64 kbit/s, AAC, Opus, Vorbis, half the rate, a quarter of the
# level).
MATCHING_SHARE = 0.33
SAME_SHARE = 0.85
SAME_LENGTH = 0.9
LEAST_MATCHING_S = 10.0
_OFFSETS = 12
_NEAR = (-1, 0, 1)
_MOST_ALIKE = 40  # a word more frequent than this in one track tells nothing


class BadFingerprint(ValueError):
    """Raised for a text that holds no words of this algorithm."""


@dataclass(frozen=True)
class Match:
    """The answer for two recordings. `share_of_one`, `share_of_other`: the part of each one's time
    that is also in the other, 0..1.

    `offset_s`: where the other's beginning lies in the one (negative: it begins before).
    `difference`: share of bits that differ where they match.
    """

    verdict: AudioVerdict
    share_of_one: float
    share_of_other: float
    offset_s: float
    difference: float


def read_words(data: str) -> list[int]:
    """Reads words from base64 as events carry it. Raises BadFingerprint."""
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFingerprint("a fingerprint is base64") from error
    if len(raw) % 4 or len(raw) > 4 * MOST_WORDS:
        raise BadFingerprint(f"a fingerprint is up to {MOST_WORDS} words of four bytes")
    words = array("I", raw)
    if sys.byteorder == "big":
        words.byteswap()
    return list(words)


def index_terms(words: Sequence[int], most: int = 256) -> list[int]:
    """Picks words to look recordings up by, as signed 32-bit integers.

    The words that come first when all are scrambled: two recordings that share words share these in
    the same measure, however long each is.
    """
    scrambled = sorted({word for word in words if word}, key=_scrambled)
    return [word - 2**32 if word >= 2**31 else word for word in scrambled[:most]]


def compare(one: Sequence[int], other: Sequence[int]) -> Match | None:
    """Compares two recordings; None if they have nothing in common that is worth a word."""
    best: dict[int, tuple[float, int]] = {}  # block of `one` → (difference, offset)
    for offset in _candidates(one, other):
        for block, difference in _blocks(one, other, offset):
            if difference < min(MATCHING_SHARE, best.get(block, (1.0, 0))[0]):
                best[block] = (difference, offset)
    matching_s = len(best) * _BLOCK * STEP_S
    shortest_s = min(len(one), len(other)) * STEP_S
    if matching_s < min(LEAST_MATCHING_S, 0.7 * shortest_s):
        return None
    share_one, share_other = (min(1.0, _share(best, words)) for words in (one, other))
    offset = Counter(offset for _, offset in best.values()).most_common(1)[0][0]
    difference = sum(difference for difference, _ in best.values()) / len(best)
    # Music made of loops matches itself elsewhere: what is much longer is an edit all the same.
    as_long = min(len(one), len(other)) >= SAME_LENGTH * max(len(one), len(other))
    same = as_long and min(share_one, share_other) >= SAME_SHARE
    return Match(
        "same audio" if same else "contains or edit of",
        round(share_one, 3),
        round(share_other, 3),
        round(offset * STEP_S, 1),
        round(difference, 3),
    )


def _candidates(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Offsets that words they share speak for, and the one without any."""
    places: dict[int, list[int]] = {}
    for at, word in enumerate(other):
        if word:
            places.setdefault(word, []).append(at)
    votes: Counter[int] = Counter()
    for at, word in enumerate(one):
        there = places.get(word, ())
        if len(there) <= _MOST_ALIKE:
            votes.update(at - place for place in there)
    found = {0}
    for offset, _ in votes.most_common(_OFFSETS):
        found.update(offset + near for near in _NEAR)
    return sorted(found)


def _blocks(one: Sequence[int], other: Sequence[int], offset: int) -> list[tuple[int, float]]:
    """(block of `one`, share of bits that differ) where both have sound; whole blocks only."""
    found = []
    first = max(0, -(-max(0, offset) // _BLOCK))
    for block in range(first, min(len(one), len(other) + offset) // _BLOCK):
        start = block * _BLOCK
        here, there = one[start : start + _BLOCK], other[start - offset : start - offset + _BLOCK]
        pairs = [(a, b) for a, b in zip(here, there, strict=True) if a and b]
        if len(pairs) >= _BLOCK // 2:
            wrong = sum((a ^ b).bit_count() for a, b in pairs)
            found.append((block, wrong / (32 * len(pairs))))
    return found


def _share(best: dict[int, tuple[float, int]], words: Sequence[int]) -> float:
    """The share of matching blocks among those that have sound."""
    blocks = range(len(words) // _BLOCK)
    sounding = sum(
        sum(map(bool, words[at * _BLOCK : (at + 1) * _BLOCK])) >= _BLOCK // 2 for at in blocks
    )
    return len(best) / max(sounding, 1)


def _scrambled(word: int) -> int:
    """A fixed shuffle of 32 bits (the finisher of MurmurHash3)."""
    word ^= word >> 16
    word = word * 0x85EBCA6B & 0xFFFFFFFF
    word ^= word >> 13
    word = word * 0xC2B2AE35 & 0xFFFFFFFF
    return word ^ word >> 16
