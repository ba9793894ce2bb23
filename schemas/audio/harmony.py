"""Musical keys as people spell them, and the Camelot wheel on which neighbours mix well."""

from __future__ import annotations

from events.vault.audio import PITCHES

# Minor ones first, as lists show them.
KEYS = tuple(f"{pitch} {mode}" for mode in ("minor", "major") for pitch in PITCHES)
_FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
_MODES = {"major": ("major", "maj", ""), "minor": ("minor", "min", "m")}


def key_of(text: str) -> str | None:
    """One of the 24 names (`A minor`) for `Am`, `a min`, `Bbm` or `8A`; None for anything else."""
    spelled = text.replace("♯", "#").replace("♭", "b")
    return _SPELLINGS.get("".join(spelled.split()).lower())


def spellings(key: str) -> tuple[str, ...]:
    """How a text writes one of the 24 keys in words: `A# minor`, `Bb min`; none for other texts."""
    pitch, _, mode = key.partition(" ")
    if mode not in _MODES:
        return ()
    pitches = (pitch, *(flat for flat, sharp in _FLATS.items() if sharp == pitch))
    return tuple(f"{each} {name}" for each in pitches for name in (mode, mode[:3]))


def camelot(key: str | None) -> str:
    """The place on the wheel: C major is 8B, A minor 8A; a fifth up is one further. Empty if no
    key of the 24."""
    return _CAMELOT.get(key or "", "")


def relatives(key: str) -> tuple[str, ...]:
    """Keys that mix with one: itself, its neighbours on the ring, the same place on the other one.

    Empty if it is no key of the 24.
    """
    place = camelot(key)
    if not place:
        return ()
    hour, ring = int(place[:-1]), place[-1]
    other = "B" if ring == "A" else "A"
    around = (f"{hour}{ring}", f"{hour % 12 + 1}{ring}", f"{(hour - 2) % 12 + 1}{ring}")
    return tuple(_AT[each] for each in (*around, f"{hour}{other}"))


def _wheel() -> dict[str, str]:
    places = {}
    for hour in range(1, 13):
        major = (hour - 8) * 7 % 12
        places[f"{hour}B"] = f"{PITCHES[major]} major"
        places[f"{hour}A"] = f"{PITCHES[(major + 9) % 12]} minor"
    return places


def _spellings() -> dict[str, str]:
    pitches = {pitch: pitch for pitch in PITCHES} | _FLATS
    found = {
        (written + suffix).lower(): f"{pitch} {mode}"
        for written, pitch in pitches.items()
        for mode, suffixes in _MODES.items()
        for suffix in suffixes
    }
    return found | {place.lower(): key for place, key in _AT.items()}


_AT = _wheel()
_CAMELOT = {key: place for place, key in _AT.items()}
_SPELLINGS = _spellings()
