"""One written value to what we keep of it; None where it makes no sense."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateways.audio.facts import MAX_NAMES, FileTags, SaidOfSound, clean_text, joined
from gateways.audio.keys import normalise_key

# By field: what each place of the file says of it, the most trusted place first. A place may hold
# several values.
Fields = Mapping[str, Iterable[Iterable[Any]]]
Names = tuple[str, ...]
MAX_GAIN_DB = 64.0


def to_tags(fields: Fields) -> FileTags:
    """The first value of each field that makes sense; one senseless field never costs another."""
    said = {name: _first(read, fields.get(name, ())) for name, read in _TAGS.items()}
    for name in _SHOWN_JOINED:
        said[name] = joined(_names(fields.get(name, ())))
    said["artist"], said["artists"] = _credit(
        _names(fields.get("artist", ())), _names(fields.get("artists", ()))
    )
    said["genre"], said["genres"] = _credit(_names(fields.get("genre", ())), ())
    return FileTags(**said)


def to_said_of_sound(fields: Fields) -> SaidOfSound:
    """Reads what the file says of its own making and level."""
    return SaidOfSound(
        **{name: _first(read, fields.get(name, ())) for name, read in _OF_SOUND.items()}
    )


def _first(read: Callable[[object], Any], places: Iterable[Iterable[Any]]) -> Any:
    values = (value for place in places for value in place)
    return next((found for value in values if (found := read(value)) is not None), None)


def _names(places: Iterable[Iterable[Any]]) -> Names:
    """All values of the first place that holds any, each once."""
    for place in places:
        clean = (clean_text(value) for value in place)
        if names := tuple(dict.fromkeys(name for name in clean if name)):
            return names[:MAX_NAMES]
    return ()


def _credit(shown: Names, listed: Names) -> tuple[str | None, Names | None]:
    """The text to show and the names in it where there are several.

    `listed` is what programs write beside a credit such as "Ada & Ben"; they leave it behind when
    only the credit is edited, so a list without anything in common with it does not count.
    """
    credit = joined(shown)
    if credit and not any(_is_in(name, credit) for name in listed):
        listed = ()
    names = listed or shown
    if not (listed and credit and all(_is_in(name, credit) for name in names)):
        credit = joined(names)
    return credit, names if len(names) > 1 else None


def _is_in(name: str, credit: str) -> bool:
    return name.casefold() in credit.casefold()


def _comment(value: object) -> str | None:
    return clean_text(value, 2000)


def _year(value: object) -> int | None:
    match = re.search(r"(?<!\d)([12]\d{3})(?!\d{1,3}(?!\d))", str(value))
    return int(match[1]) if match else None


def _number(value: object) -> int | None:
    match = re.match(r"\s*0*(\d{1,4})(?!\d)", str(value))
    return int(match[1]) or None if match else None


def _tempo_bpm(value: object) -> float | None:
    """A number, however people write it: "128", "128,5 bpm", "~128"."""
    match = _TEMPO.fullmatch(str(value).strip())
    bpm = float(match[1].replace(",", ".")) if match else math.nan
    return round(bpm, 3) if 20 <= bpm <= 400 else None


_TEMPO = re.compile(
    r"(?:bpm|tempo)?\s*[:=]?\s*(?:~|≈|±|ca?\.?|circa|about|approx\.?)?\s*"
    r"\+?(\d{1,3}(?:[.,]\d{1,20})?)\s*(?:(?:bpm|b\.p\.m\.?|beats(?: per minute)?)\.?)?",
    re.IGNORECASE,
)


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
    "album": clean_text,
    "year": _year,
    "track": _number,
    "tempo_bpm": _tempo_bpm,
    "key": normalise_key,
    "isrc": _isrc,
    "disc": _number,
    "copyright": clean_text,
    "comment": _comment,
}
_SHOWN_JOINED = ("album_artist", "composer", "label")
_OF_SOUND: dict[str, Callable[[object], Any]] = {
    "bit_depth": lambda value: value if isinstance(value, int) and 0 < value <= 64 else None,
    "encoder": clean_text,
    "replay_gain_track_db": _gain_db,
    "replay_gain_album_db": _gain_db,
}
