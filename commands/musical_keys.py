"""How people spell a musical key, brought to its one name of the 24."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from events.audio import MUSICAL_KEYS, PITCHES

_FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
_MODES = {"major": ("major", "maj", ""), "minor": ("minor", "min", "m")}


def musical_key(text: object) -> object:
    """`Am`, `A min`, `Bbm` and `8A` are known too; null stays. Raises ValueError naming all 24."""
    if text is None:
        return None
    spelled = str(text).replace("♯", "#").replace("♭", "b")
    name = _SPELLINGS.get("".join(spelled.split()).lower())
    if name is None:
        raise ValueError(f"{text!r:.40} is no key; keys are {', '.join(MUSICAL_KEYS)}")
    return name


MusicalKeySpelling = Annotated[str | None, BeforeValidator(musical_key)]


def _spellings() -> dict[str, str]:
    pitches = {pitch: pitch for pitch in PITCHES} | _FLATS
    found = {
        (written + suffix).lower(): f"{pitch} {mode}"
        for written, pitch in pitches.items()
        for mode, suffixes in _MODES.items()
        for suffix in suffixes
    }
    # Camelot: each hour is a fifth up; 8B is C major, 8A its relative A minor.
    for hour in range(1, 13):
        major = (hour - 8) * 7 % 12
        found[f"{hour}b"] = f"{PITCHES[major]} major"
        found[f"{hour}a"] = f"{PITCHES[(major + 9) % 12]} minor"
    return found


_SPELLINGS = _spellings()
