"""Musical keys: 24 names, sharps only ("A# minor"), and every usual way files write them."""

from __future__ import annotations

import re

NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEY_NAMES = frozenset(f"{note} {mode}" for note in NOTES for mode in ("major", "minor"))

_LETTER_SEMITONE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_ACCIDENTAL_STEP = {"": 0, "#": 1, "b": -1}
_MODES = {
    "major": ("", "M", "maj", "major", "dur"),
    "minor": ("m", "min", "minor", "moll"),
}
_WRITTEN = re.compile(r"([A-Ha-h])\s*([#b♯♭]|-?sharp|-?flat)?[\s\-_]*([A-Za-z]*)")
_WHEEL = re.compile(r"0?([1-9]|1[0-2])\s*([ABabDdMm])")
_FIFTH = 7  # semitones between neighbours on the wheel


def key_name(note: str, mode: str) -> str:
    """The name of (note with # or b, "major" or "minor"): ("Bb", "minor") -> "A# minor"."""
    semitone = _LETTER_SEMITONE[note[0].upper()] + _ACCIDENTAL_STEP[note[1:]]
    return f"{NOTES[semitone % 12]} {mode}"


def normalise_key(written: object) -> str | None:
    """One of the 24 names for "Am", "A minor", "Bbmaj", "G♯ moll", Camelot "8A", Open Key "1m".

    None when it is none of these; ID3's "o" (off key) is none too. A bare letter is major (ID3
    marks minor with m), a bare B is B: only H is read the German way.
    """
    text = str(written or "").strip()
    return _from_wheel(text) or _from_letters(text)


def _from_letters(text: str) -> str | None:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    letter, accidental, word = match.groups(default="")
    mode = _mode_of(word)
    if mode is None:
        return None
    accidental = {"♯": "#", "♭": "b"}.get(accidental, accidental).removeprefix("-")
    return key_name(letter + {"sharp": "#", "flat": "b"}.get(accidental, accidental), mode)


def _mode_of(word: str) -> str | None:
    for mode, spellings in _MODES.items():
        if word in spellings or word.lower() in spellings[1:]:
            return mode
    return None


def _from_wheel(text: str) -> str | None:
    """Camelot: 8B is C major, 8A is A minor. Open Key: 1d is C major, 1m is A minor."""
    match = _WHEEL.fullmatch(text)
    if match is None:
        return None
    number, ring = int(match[1]), match[2].upper()
    steps = number - (8 if ring in "AB" else 1)
    mode = "major" if ring in "BD" else "minor"
    tonic = 0 if mode == "major" else 9
    return f"{NOTES[(tonic + _FIFTH * steps) % 12]} {mode}"
