"""How musicians ask: each rule is a way of saying one filter.

A rule is a pattern that is tried where a word begins, and what it means; None means that it was
no filter after all. No pattern has nested repeats: a question of 200 characters costs 1 ms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from read_api.vault.search.chips import MOST_STARS, PARAMETERS, Chip, ranged
from read_api.vault.search.vocabulary import (
    COLOUR_OF,
    GENRE_OF,
    INSTRUMENT_OF,
    MOOD_OF,
    STATUS_OF,
)
from schemas.audio.harmony import key_of

Meaning = Callable[[re.Match[str], date], Chip | None]
# Tempi that a bare number may be; with `bpm` beside it any number is one.
SLOWEST_BPM, FASTEST_BPM = 40.0, 260.0
# `140 bpm` allows for what is measured beside 140; `around 140` is ±5 %, a usual pitch fader's way.
EXACT, AROUND = 0.01, 0.05

_END = r"(?= |$)"
_N = r"(\d{1,3}(?:[.,]\d{1,2})?)"
_TO = r"(?: ?[-–] ?| to | and |\.\.)"
_BPM = r" ?bpm"
_MORE = r"(?:over|above|more than|at least|longer than|faster than|from|>=?) ?"
_LESS = r"(?:under|below|less than|at most|shorter than|slower than|up to|<=?) ?"
_TIME = r"(\d{1,3}:[0-5]\d|\d{1,3}(?:[.,]\d)? ?(?:minutes?|mins?|m|seconds?|secs?|s))"
_KEY = r"([A-G](?:#|b|♯|♭)? ?(?:minor|major|min|maj)|(?:1[0-2]|[1-9])[AB])"
_LETTER_KEY = r"([A-G](?:#|b|♯|♭)?m)"
_DAY = r"(\d{4}-\d{2}-\d{2}|\d{4})"
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_VALUE = r'(?:"([^"]*)"|([^ "]+))'


def _any_of(words: dict[str, str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return f"({'|'.join(re.escape(word).replace(chr(92) + ' ', ' ') for word in longest_first)})"


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def _seconds(text: str) -> float:
    if ":" in text:
        minutes, seconds = text.split(":")
        return int(minutes) * 60 + int(seconds)
    number = re.match(r"[\d.,]+", text)
    value = _float(number[0].rstrip(".,")) if number else 0.0
    return value * (1 if "s" in text.lower().replace("minutes", "").replace("mins", "") else 60)


def _said(match: re.Match[str]) -> str:
    """The value of `name:value`, quoted or not."""
    return " ".join((match[1] if match[1] is not None else match[2]).lower().split())


def _around(share: float, *, bare: bool = False) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        bpm = _float(match[1])
        if bpm <= 0 or (bare and not SLOWEST_BPM <= bpm <= FASTEST_BPM):
            return None
        return ranged("bpm", bpm * (1 - share), bpm * (1 + share))

    return meaning


def _tempo_between(match: re.Match[str], today: date) -> Chip | None:
    low, high = _float(match[1]), _float(match[2])
    named = "bpm" in match[0].lower()
    if not named and not (low >= SLOWEST_BPM and high <= FASTEST_BPM):
        return None
    return ranged("bpm", low, high)


def _times_between(match: re.Match[str], today: date) -> Chip | None:
    """`2-4 min`, `2:00 to 3:30`: a bare first number has the unit of the second."""
    first, second = match[1], match[2]
    bare = re.fullmatch(_N, first)
    unit = "" if ":" in second else re.sub(r"[\d., ]", "", second)
    return ranged("length", _seconds(first + unit if bare else first), _seconds(second))


def _ranged(name: str) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        low, high = (_float(each) if each else None for each in (match[1], match[2]))
        return ranged(name, low, high)

    return meaning


def _key(name: str) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        found = key_of(next((group for group in match.groups() if group), ""))
        return None if found is None else Chip(name, found)

    return meaning


def _word(name: str, names: dict[str, str]) -> Meaning:
    return lambda match, today: Chip(name, names[" ".join(match[1].lower().split())])


def _free(name: str, names: dict[str, str]) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        said = _said(match)
        return Chip(name, names.get(said, said)) if said else None

    return meaning


def _one_of(name: str, names: dict[str, str]) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        found = names.get(_said(match))
        return None if found is None else Chip(name, found)

    return meaning


def _rated(match: re.Match[str], today: date) -> Chip | None:
    """`rating:4`, `rating:>=4`, `rating:<3`."""
    stars = int(match[2])
    low, high = {
        "=": (stars, stars),
        ">": (stars + 1, MOST_STARS),
        ">=": (stars, MOST_STARS),
        "<": (0, stars - 1),
        "<=": (0, stars),
    }[match[1] or "="]
    return ranged("rating", low, high)


def _fixed(name: str, value: str) -> Meaning:
    return lambda match, today: Chip(name, value)


def _date(name: str) -> Meaning:
    def meaning(match: re.Match[str], today: date) -> Chip | None:
        written = match[1] if len(match[1]) > 4 else f"{match[1]}-01-01"
        try:
            return Chip(name, date.fromisoformat(written).isoformat())
        except ValueError:
            return None

    return meaning


def _ago(match: re.Match[str], today: date) -> Chip | None:
    days = _DAYS[match["unit"].lower()] * int(match["n"] or 1)
    try:
        return Chip("since", (today - timedelta(days=days)).isoformat())
    except OverflowError:
        return None


def _this(match: re.Match[str], today: date) -> Chip:
    match match[1].lower():
        case "week":
            begun = today - timedelta(days=today.weekday())
        case "month":
            begun = today.replace(day=1)
        case _:
            begun = today.replace(month=1, day=1)
    return Chip("since", begun.isoformat())


def _recent(match: re.Match[str], today: date) -> Chip:
    days = 1 if match[1].lower() == "yesterday" else 0
    return Chip("since", (today - timedelta(days=days)).isoformat())


_SPOKEN: tuple[tuple[str, Meaning], ...] = (
    (rf"(?:bpm|tempo):{_N}?-{_N}?", _ranged("bpm")),
    (rf"(?:bpm|tempo):{_N}", _around(EXACT)),
    (rf"(?:between )?{_N}{_TO}{_N}(?:{_BPM})?", _tempo_between),
    (rf"(?:around|about|circa|roughly|~) ?{_N}(?:{_BPM})?", _around(AROUND, bare=True)),
    (rf"{_N}{_BPM}", _around(EXACT)),
    (rf"{_MORE}{_N}{_BPM}", lambda m, _: ranged("bpm", _float(m[1]), None)),
    (rf"{_LESS}{_N}{_BPM}", lambda m, _: ranged("bpm", None, _float(m[1]))),
    (r"length:(\d{1,5}(?:\.\d)?)?-(\d{1,5}(?:\.\d)?)?", _ranged("length")),
    (rf"{_MORE}{_TIME}", lambda m, _: ranged("length", _seconds(m[1]), None)),
    (rf"{_LESS}{_TIME}", lambda m, _: ranged("length", None, _seconds(m[1]))),
    (rf"(?:between )?({_N[1:-1]}|\d{{1,3}}:[0-5]\d){_TO}{_TIME}", _times_between),
    (rf"key:{_VALUE}", _key("key")),
    (rf"(?:in )?(?:the key of )?{_KEY}", _key("key")),
    (rf"(?:compatible|harmonic):{_VALUE}", _key("compatible")),
    (rf"(?:compatible (?:with|to) |mixes with |~){_KEY}", _key("compatible")),
    (rf"(?:in )?{_KEY} ?~?(?: compatible|~)", _key("compatible")),
    (r"vocals:(yes|no)", lambda m, _: Chip("vocals", m[1].lower())),
    (r"(?:no|without) (?:vocals?|voices?|singing|singers?)|instrumentals?", _fixed("vocals", "no")),
    (r"(?:with )?(?:vocals|singing)|with (?:a )?(?:voice|singer)", _fixed("vocals", "yes")),
    (rf"instrument:{_VALUE}", _free("instrument", INSTRUMENT_OF)),
    (rf"(?:with )?(?:an? |the )?{_any_of(INSTRUMENT_OF)}", _word("instrument", INSTRUMENT_OF)),
    (rf"without:{_VALUE}", _free("without", INSTRUMENT_OF)),
    (
        rf"(?:no|without) (?:an? |any |the )?{_any_of(INSTRUMENT_OF)}",
        _word("without", INSTRUMENT_OF),
    ),
    (rf"mood:{_VALUE}", _free("mood", MOOD_OF)),
    (_any_of(MOOD_OF), _word("mood", MOOD_OF)),
    (rf"genre:{_VALUE}", _free("genre", GENRE_OF)),
    (_any_of(GENRE_OF), _word("genre", GENRE_OF)),
    (r"energy:([01](?:\.\d{1,2})?)?-([01](?:\.\d{1,2})?)?", _ranged("energy")),
    (r"danceability:([01](?:\.\d{1,2})?)?-([01](?:\.\d{1,2})?)?", _ranged("danceability")),
    (rf"status:{_VALUE}", _one_of("status", STATUS_OF)),
    (rf"colou?r:{_VALUE}", _one_of("colour", COLOUR_OF)),
    (r"rating:([0-5])?-([0-5])?", _ranged("rating")),
    (r"rating:([<>]=?)?([0-5])", _rated),
    (r"([1-5]) stars?", lambda m, _: ranged("rating", int(m[1]), int(m[1]))),
    (
        r"([1-5]) stars? (?:or more|and up)|at least ([1-5]) stars?",
        lambda m, _: ranged("rating", int(m[1] or m[2]), MOST_STARS),
    ),
    (r"high energy", _fixed("energy", "0.65-")),
    (r"low energy", _fixed("energy", "-0.35")),
    (rf"(?:since|after|since:|from:) ?{_DAY}", _date("since")),
    (rf"(?:before|until|until:) ?{_DAY}", _date("until")),
    (
        r"(?:from |in )?(?:the )?(?:last|past) (?:(?P<n>\d{1,3}) )?(?P<unit>day|week|month|year)s?",
        _ago,
    ),
    (r"(?:from |in )?this (week|month|year)", _this),
    (r"(?:uploaded|added|from|since) (today|yesterday)", _recent),
)
# `Am` alone is a word of English, `Dm` is none.
_WRITTEN: tuple[tuple[str, Meaning], ...] = (
    (rf"in {_LETTER_KEY}", _key("key")),
    (rf"(?!Am(?: |$)){_LETTER_KEY}", _key("key")),
    (rf"(?:compatible (?:with|to) |mixes with |~){_LETTER_KEY}", _key("compatible")),
    (rf"{_LETTER_KEY}(?: compatible|~)", _key("compatible")),
)
RULES: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    *((re.compile(f"(?:{p}){_END}", re.ASCII | re.IGNORECASE), m) for p, m in _SPOKEN),
    *((re.compile(f"(?:{p}){_END}", re.ASCII), m) for p, m in _WRITTEN),
)
NAMES = tuple(PARAMETERS)
