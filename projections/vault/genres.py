"""Genres and their spellings: a set is one genre, whichever of them somebody writes."""

from __future__ import annotations

import re

from projections.folding import fold

GENRES: dict[str, tuple[str, ...]] = {
    "rock": ("rock",),
    "indie": ("indie",),
    "punk": ("punk",),
    "metal": ("metal", "heavy metal"),
    "pop": ("pop",),
    "electronic": ("electronic", "electronica"),
    "house": ("house",),
    "techno": ("techno",),
    "trance": ("trance",),
    "dance": ("dance", "edm"),
    "drum and bass": (
        *("drum and bass", "drum & bass", "drum&bass", "drum+bass", "drum n bass", "drum-n-bass"),
        *("drum'n'bass", "drum 'n' bass", "drumnbass", "dnb", "d&b", "d & b", "d'n'b", "d n b"),
    ),
    "dubstep": ("dubstep", "dub step"),
    "ambient": ("ambient",),
    "new age": ("new age", "newage"),
    "hip hop": ("hip hop", "hip-hop", "hiphop"),
    "rap": ("rap",),
    "trip hop": ("trip hop", "trip-hop", "triphop"),
    "jazz": ("jazz",),
    "blues": ("blues",),
    "soul": ("soul",),
    "funk": ("funk",),
    "disco": ("disco",),
    "r&b": (
        *("r&b", "r & b", "r and b", "rnb", "r'n'b", "r n b"),
        *("rhythm and blues", "rhythm & blues", "rhythm n blues"),
    ),
    "rock and roll": (
        *("rock and roll", "rock & roll", "rock&roll", "rock n roll", "rock-n-roll"),
        *("rock'n'roll", "rock 'n' roll"),
    ),
    "reggae": ("reggae",),
    "country": ("country",),
    "folk": ("folk",),
    "classical": ("classical",),
    "opera": ("opera",),
    "indian": ("indian",),
    "latin": ("latin",),
    "synthwave": ("synthwave", "synth wave", "synth-wave"),
    "synth pop": ("synth pop", "synthpop", "synth-pop"),
    "lo-fi": ("lo-fi", "lofi", "lo fi"),
    "experimental": ("experimental",),
    "soundtrack": ("soundtrack",),
    "world": ("world music",),
}
# Files separate several genres by these signs.
_BETWEEN = re.compile(r"[;,/|\\]")


def _squeezed(text: str) -> str:
    return fold(text).replace(" ", "")


_KEYS = {
    _squeezed(spelling): _squeezed(name)
    for name, spellings in GENRES.items()
    for spelling in (name, *spellings)
}


def genre_key(name: str) -> str:
    """One key for all spellings of a genre (`Drum & Bass`, `dnb`); others lose their spaces."""
    squeezed = _squeezed(name)
    return _KEYS.get(squeezed, squeezed)


def genre_keys(said: str | None) -> list[str] | None:
    """The keys of all genres that a tag names, and of the whole tag; None if it names none."""
    parts = [said or "", *_BETWEEN.split(said or "")]
    return list(dict.fromkeys(key for part in parts if (key := genre_key(part)))) or None
