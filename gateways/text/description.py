"""A recording in a sentence, of measured words only: what a search in plain words is held against.

No title, no name, nothing that anybody typed, so nothing in the vector is personal.
"""

from __future__ import annotations

from collections.abc import Sequence

_TEMPO_BANDS = ((76, "slow"), (108, "mid-tempo"), (140, "upbeat"), (float("inf"), "fast"))
_LOUD = 0.66
_QUIET = 0.33


def describe(
    *,
    genres: Sequence[str] = (),
    instruments: Sequence[str] = (),
    moods: Sequence[str] = (),
    tempo_bpm: float | None = None,
    key: str | None = None,
    energy: float | None = None,
    vocals: float | None = None,
    speech: float | None = None,
) -> str:
    """As in "slow calm jazz with piano and drums, instrumental, in A minor"; "" for nothing."""
    words = [_tempo(tempo_bpm), _force(energy), *moods, *genres]
    sentence = " ".join(dict.fromkeys(word for word in words if word))
    if instruments:
        sentence += " with " + " and ".join(instruments)
    parts = [sentence.strip(), _voice(vocals, speech), f"in {key}" if key else ""]
    return ", ".join(part for part in parts if part)


def _tempo(bpm: float | None) -> str:
    return next(word for limit, word in _TEMPO_BANDS if bpm < limit) if bpm else ""


def _force(energy: float | None) -> str:
    if energy is None:
        return ""
    return "energetic" if energy >= _LOUD else "calm" if energy <= _QUIET else ""


def _voice(vocals: float | None, speech: float | None) -> str:
    if speech is not None and speech >= 0.5:
        return "spoken word"
    if vocals is None:
        return ""
    return "vocals" if vocals >= 0.2 else "instrumental" if vocals < 0.1 else ""
