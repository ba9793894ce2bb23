"""Titles of one song: what is left when the words of a version are taken off, and which version it
is. Pure.
"""

from __future__ import annotations

import re
from typing import Any

from projections.folding import fold

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
# The first that is said counts: the master of an instrumental is an instrumental.
_KINDS = (
    ("instrumental", r"instrumental|karaoke"),
    ("a cappella", r"a ?cappella"),
    ("remix", r"remix|dub|club"),
    *((name, name) for name in ("live", "acoustic", "radio edit", "extended", "clean", "explicit")),
    ("demo", r"demo ?\d*|draft ?\d*|rough"),
    ("master", r"master ?\d*|mastered|remaster(?:ed)?"),
)
_KIND = tuple((name, re.compile(rf"\b(?:{said})\b", re.IGNORECASE)) for name, said in _KINDS)
# Programs and albums name many songs so: alike by such a name only, two tracks are not one song.
_NAMELESS = frozenset(
    (
        *("intro", "outro", "interlude", "skit", "prelude", "untitled", "beat", "track", "song"),
        *("idea", "loop", "audio", "recording", "session", "project", "bounce", "mixdown"),
        *("export", "voice", "memo", "demo", "draft", "take", "mix", "master", "titel", "spur"),
    )
)
# A key of an index holds 2.7 kB at most: a song's name is a title, an artist and ` / `.
NAMED_BY = 200


def base_title(title: str) -> str:
    """`Night Bus (final v2)` and `night_bus - instrumental` are both `night bus`.

    A title of nothing but such words stays as it is.
    """
    return _taken_apart(title)[0]


def kind_of(title: str | None) -> str | None:
    """Which version a title says it is, by the words that are no part of the song's name."""
    said = _taken_apart(title or "")[1]
    return next((name for name, pattern in _KIND if pattern.search(said)), None)


def song_of(title: str | None) -> str | None:
    """The song's name by a title; None where many songs are called so."""
    base = base_title(title or "")
    words = [word for word in base.split() if not word.isdigit()]
    if all(word in _NAMELESS for word in words):
        return None
    return base[:NAMED_BY]


def by_title(title: str | None) -> dict[str, Any]:
    """The columns of what a title says of the song and of the version."""
    return {"song_title": song_of(title), "kind_title": kind_of(title)}


def by_file(filename: str | None) -> dict[str, Any]:
    """The same of a file's name, which counts where the title says nothing."""
    name = (filename or "").rpartition(".")[0] or filename
    return {"song_file": song_of(name), "kind_file": kind_of(name)}


def by_artist(artist: str | None) -> dict[str, Any]:
    return {"song_artist": fold(artist)[:NAMED_BY] if artist else None}


def _taken_apart(title: str) -> tuple[str, str]:
    """(the words of the song, the words of the version)"""
    plain = re.sub(r"[_\s]+", " ", title).strip()
    taken = [each for each in _BRACKETS.findall(plain) if _only_version(each)]
    without = _BRACKETS.sub(lambda match: "" if _only_version(match[0]) else match[0], plain)
    head, *tails = re.split(r" [-–|] ", without)
    taken += [tail for tail in tails if _only_version(tail)]
    kept = [tail for tail in tails if not _only_version(tail)]
    words = " ".join([head, *kept]).split()
    while len(words) > 1 and (ended := _ending(words)):
        taken.append(" ".join(words[-ended:]))
        words = words[:-ended]
    base = " ".join(_words(" ".join(words)))
    return base or " ".join(_words(plain)), " ".join(taken)


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
