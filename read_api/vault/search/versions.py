"""Titles of one song: what is left when the words of a version are taken off. Pure."""

from __future__ import annotations

import re

from schemas.audio.harmony import relatives
from schemas.vault.dto import AssetDto

# What bands write behind a title when they export it once more.
_VERSION = re.compile(
    r"\b(?:v(?:er(?:sion)?)?\.? ?\d+(?:\.\d+)*"
    r"|(?:final|mix|master|edit|take|bounce|draft|demo) ?\d*|mastered"
    r"|(?:\d{4} )?remaster(?:ed)?(?: \d{4})?|rough|radio edit|extended|instrumental"
    r"|a ?cappella|acoustic|live|clean|explicit|remix|dub|club|original|old|new|copy|alternate|alt"
    r"|short|long|unmastered|premaster|preview|karaoke|version)\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
# Tempi of one song differ by what the measuring does; half and double are the same beat.
SAME_TEMPO = 0.03


def base_title(title: str) -> str:
    """`Night Bus (final v2)` and `night_bus - instrumental` are both `night bus`.

    A title of nothing but such words stays as it is.
    """
    plain = re.sub(r"[_\s]+", " ", title).strip()
    without = _BRACKETS.sub(lambda match: "" if _only_version(match[0]) else match[0], plain)
    head, *tails = re.split(r" [-–|] ", without)
    kept = [tail for tail in tails if not _only_version(tail)]
    words = " ".join([head, *kept]).split()
    while len(words) > 1 and (ended := _ending(words)):
        words = words[:-ended]
    base = " ".join(_words(" ".join(words)))
    return base or " ".join(_words(plain))


def same_song(one: AssetDto, other: AssetDto) -> str | None:
    """Why two recordings of one base title are versions of one song; None if they sound too
    different for that. What is not measured speaks neither for it nor against it."""
    mine, yours = one.effective, other.effective
    reasons = ["same title"]
    if mine.tempo_bpm and yours.tempo_bpm:
        if not _same_beat(mine.tempo_bpm, yours.tempo_bpm):
            return None
        reasons.append("same tempo")
    if mine.key and yours.key:
        if yours.key not in relatives(mine.key):
            return None
        reasons.append("same key" if mine.key == yours.key else "related key")
    artists = {(each.tags.artist or "").casefold() for each in (one, other)} - {""}
    if len(artists) > 1:
        return None
    return ", ".join(reasons) if len(reasons) > 1 else None


def _same_beat(one: float, other: float) -> bool:
    return any(abs(one - other * factor) <= SAME_TEMPO * one for factor in (1.0, 2.0, 0.5))


def _ending(words: list[str]) -> int:
    """How many of the last words say which version it is."""
    for count in (2, 1):
        if count < len(words) and _only_version(" ".join(words[-count:])):
            return count
    return 0


def _only_version(text: str) -> bool:
    left = _VERSION.sub("", text)
    return left != text and not _words(left)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
