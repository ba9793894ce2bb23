"""One written value to what we keep of it; None where it makes no sense."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateways.audio.facts import FileTags, SaidOfSound, clean_text
from gateways.audio.keys import normalise_key

Fields = Mapping[str, Iterable[Any]]
MAX_GAIN_DB = 64.0


def to_tags(fields: Fields) -> FileTags:
    """The first value of each field that makes sense; one senseless field never costs another."""
    return FileTags(**{name: _first(read, fields.get(name, ())) for name, read in _TAGS.items()})


def to_said_of_sound(fields: Fields) -> SaidOfSound:
    """What the file says of its own making and level."""
    return SaidOfSound(
        **{name: _first(read, fields.get(name, ())) for name, read in _OF_SOUND.items()}
    )


def _first(read: Callable[[object], Any], values: Iterable[Any]) -> Any:
    return next((found for value in values if (found := read(value)) is not None), None)


def _comment(value: object) -> str | None:
    return clean_text(value, 2000)


def _year(value: object) -> int | None:
    match = re.search(r"(?<!\d)([12]\d{3})(?!\d{1,3}(?!\d))", str(value))
    return int(match[1]) if match else None


def _number(value: object) -> int | None:
    match = re.match(r"\s*0*(\d{1,4})(?!\d)", str(value))
    return int(match[1]) or None if match else None


def _tempo_bpm(value: object) -> float | None:
    try:
        bpm = float(str(value).strip().replace(",", "."))
    except ValueError:
        return None
    return round(bpm, 3) if math.isfinite(bpm) and 20 <= bpm <= 400 else None


def _isrc(value: object) -> str | None:
    """Twelve characters; hyphens and a leading "ISRC" are how people write it."""
    code = re.sub(r"[\s\-.:]", "", str(value)).upper()
    code = code[4:] if len(code) == 16 and code.startswith("ISRC") else code
    return code if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", code) else None


def _gain_db(value: object) -> float | None:
    match = re.match(r"\s*([+-]?\d{1,3}(?:[.,]\d{1,6})?)\s*(?:dB|LU)?\s*$", str(value), re.I)
    gain_db = float(match[1].replace(",", ".")) if match else math.inf
    return gain_db if abs(gain_db) <= MAX_GAIN_DB else None


_TAGS: dict[str, Callable[[object], Any]] = {
    "title": clean_text,
    "artist": clean_text,
    "album": clean_text,
    "year": _year,
    "genre": clean_text,
    "track": _number,
    "tempo_bpm": _tempo_bpm,
    "key": normalise_key,
    "isrc": _isrc,
    "album_artist": clean_text,
    "disc": _number,
    "composer": clean_text,
    "label": clean_text,
    "copyright": clean_text,
    "comment": _comment,
}
_OF_SOUND: dict[str, Callable[[object], Any]] = {
    "bit_depth": lambda value: value if isinstance(value, int) and 0 < value <= 64 else None,
    "encoder": clean_text,
    "replay_gain_track_db": _gain_db,
    "replay_gain_album_db": _gain_db,
}
