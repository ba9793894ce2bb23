"""Artist, title, tempo and key as musicians write them into the name of a file.

A name is read only where it cannot be meant otherwise: `Track 128`, `1999` and `A minor
inconvenience` have neither tempo nor key. Two tempi or two keys in one name are none. Pure; whoever
keeps what was read keeps it anew when the rules here change (`projections/vault/vault.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from schemas.audio.harmony import key_of

SLOWEST_BPM, FASTEST_BPM = 40.0, 300.0
# A number without `bpm`, beside a key.
LEAST_BARE, MOST_BARE = 60, 200
LONGEST = 500

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: " ", 0: " "}
# `night_bus`, but not the one of a date: `2026_11_03`.
_UNDERSCORE = re.compile(r"(?<!\d)_|_(?!\d)")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_COPY = re.compile(r"(?<=\S) (?:\(\d{1,2}\)|[-–—] Copy(?: \(\d{1,2}\))?|copy(?: \d{1,2})?)$")
_TOKEN = re.compile(r"[^\s()\[\]{}–—;+~|@-]+")
_NUMBER = r"\d{2,3}(?:[.,]\d{1,2})?"
_TEMPO = re.compile(rf"(?:({_NUMBER})bpm|bpm({_NUMBER}))", re.IGNORECASE)
_BARE_TEMPO = re.compile(r"\d{2,3}")
_MODE = r"(?i:minor|major|min|maj)"
# `F#m`, `Cmin`, `bbmaj`: no word is written so, but for the names Amin and Emin.
_KEY = re.compile(rf"[A-G][#b♯♭]m|[A-Ga-g][#b♯♭]?{_MODE}")
_NAMES = frozenset({"amin", "emin"})
# `Am`, `8A`: words or takes as well, so that only their place tells.
_MAYBE_KEY = re.compile(r"[A-G]m|(?:1[0-2]|[1-9])[AB]|[AaEe](?i:min)")
_PITCH = re.compile(r"[A-G][#b♯♭]?")
_SPELLED_MODE = re.compile(r"minor|major", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:at|in) *$|@ *$", re.IGNORECASE)
# Stands where something was read out.
_GONE = "\0"
_HYPHENS = re.compile(r"-(?:\0-)+")
_EMPTY = re.compile(r"[(\[{][\s,;+~|–—-]*[)\]}]")
_DASHES = re.compile(r"\s*[–—-]\s*(?:[–—-]\s*)+")
_EDGES = " ,;+~|–—-"
_SEPARATOR = re.compile(r" [-–—] ")
_TRACK_NUMBER = re.compile(r"(?:\d{1,2}(?:[.)]| [-–—])|0\d) (?=[^ –—-])")
# What makes a part of a name no artist and no title of its own.
_VERSION = re.compile(
    r"(?:(?:re)?mix(?:down)?|edit|master(?:ed)?|instrumental|inst|acapp?ella|demo|final|rough|"
    r"bounce[ds]?|stems?|live|radio|extended|original|club|dub|vocals?|vox|drums?|bass|kick|snare|"
    r"lead|pad|synth|loop|sample|beat|track|audio|untitled|new|old|alt|clean|dirty|explicit|"
    r"version|ver|take|copy|v?\d+(?:\.\d+)*|pt|part)\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FromName:
    """None where the name does not say it, or could mean something else. A title that is the whole
    name is none: there was nothing to read.
    """

    title: str | None = None
    artist: str | None = None
    tempo_bpm: float | None = None
    key: str | None = None


NOTHING = FromName()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Found:
    """Tokens `first` to `last` and what they say; a `left` one stays in the title."""

    value: float | str
    first: int
    last: int
    left: bool = False


def read_name(filename: str | None) -> FromName:
    """Reads what stands in the name of a file; never raises."""
    stem = _ENDING.sub("", filename or "").strip()
    spaced = _UNDERSCORE.sub(" ", stem.translate(_WIDE))
    text = " ".join(_COPY.sub("", spaced.strip()).split())
    if not text or len(text) > LONGEST:
        return NOTHING
    tempi, keys = _Reading(text).read()
    tempo, key = _one(tempi), _one(keys)
    tokens = _tokens(text)
    spans = [
        (tokens[found.first].start, tokens[found.last].end)
        for found in (*(tempi if tempo else ()), *(keys if key else ()))
        if not found.left
    ]
    artist, title = _apart(_without(text, spans))
    said = FromName(
        title=title if title != stem else None,
        artist=artist,
        tempo_bpm=None if tempo is None else float(tempo),
        key=None if key is None else str(key),
    )
    return said if said.title or not artist else replace(said, artist=None)


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        bare = match[0].rstrip(".,")
        if bare:
            found.append(_Token(bare, match.start(), match.start() + len(bare)))
    return found


def _one(found: Sequence[_Found]) -> float | str | None:
    values = {each.value for each in found}
    return next(iter(values)) if len(values) == 1 else None


class _Reading:
    """Tempi and keys in one name, each with the place where it stands."""

    def __init__(self, text: str) -> None:
        self._text, self._tokens = text, _tokens(text)

    def read(self) -> tuple[list[_Found], list[_Found]]:
        tempi = list(self._tempi())
        sure = [*self._keys(), *self._spelled_keys()]
        compact = {found.first for found in sure if found.first == found.last}
        for at, maybe in enumerate(self._tokens):
            if not _MAYBE_KEY.fullmatch(maybe.text) or not (key := key_of(maybe.text)):
                continue
            bare = self._bare_beside(at)
            if self._beside(at, tempi) or self._bracketed(at, at):
                sure.append(_Found(key, at, at))
            elif bare is not None and self._stands_apart(min(at, bare), max(at, bare)):
                sure.append(_Found(key, at, at))
                compact.add(at)
        if not tempi:
            beside = {self._bare_beside(at) for at in compact} - {None}
            tempi = [
                _Found(float(token.text), at, at)
                for at, token in enumerate(self._tokens)
                if at in beside
            ]
        return tempi, sure

    def _tempi(self) -> Iterable[_Found]:
        tokens, at = self._tokens, 0
        while at < len(tokens):
            said, last = _TEMPO.fullmatch(tokens[at].text), at
            number = (said[1] or said[2]) if said else None
            if number is None and at + 1 < len(tokens):
                pair = (tokens[at].text, tokens[at + 1].text)
                for word, other in (pair, pair[::-1]):
                    if re.fullmatch(_NUMBER, word) and other.lower() == "bpm":
                        number, last = word, at + 1
            if number is not None:
                tempo_bpm = float(number.replace(",", "."))
                if SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
                    yield _Found(tempo_bpm, at, last)
            at = last + 1

    def _keys(self) -> Iterable[_Found]:
        for at, token in enumerate(self._tokens):
            if _KEY.fullmatch(token.text) and token.text.lower() not in _NAMES:
                key = key_of(token.text)
                if key:
                    yield _Found(key, at, at)

    def _spelled_keys(self) -> Iterable[_Found]:
        """`F# minor` anywhere; `C major` behind `in`, or where no word follows; of `A minor` both
        are asked, or that it stands apart.
        """
        for at in range(len(self._tokens) - 1):
            pitch, mode = self._tokens[at].text, self._tokens[at + 1].text
            if not _PITCH.fullmatch(pitch) or not _SPELLED_MODE.fullmatch(mode):
                continue
            behind_in = at > 0 and self._tokens[at - 1].text.lower() == "in"
            ends = self._ends(at + 1)
            begins = self._begins(at) or behind_in
            sure = len(pitch) > 1 or (begins and ends if pitch == "A" else behind_in or ends)
            if sure and (key := key_of(f"{pitch} {mode}")):
                yield _Found(key, at, at + 1, left=not self._inside(at))

    def _beside(self, at: int, found: Iterable[_Found]) -> bool:
        """`I Am 120 BPM` is a sentence."""
        if at > 0 and self._tokens[at - 1].text.lower() == "i":
            return False
        return any(each.last == at - 1 or each.first == at + 1 for each in found)

    def _bare_beside(self, at: int) -> int | None:
        for other in (at - 1, at + 1):
            if 0 <= other < len(self._tokens):
                text = self._tokens[other].text
                if _BARE_TEMPO.fullmatch(text) and LEAST_BARE <= int(text) <= MOST_BARE:
                    return other
        return None

    def _stands_apart(self, first: int, last: int) -> bool:
        """In brackets, at the end but for versions, or before a first dash."""
        if self._bracketed(first, last):
            return True
        if all(_VERSION.fullmatch(token.text) for token in self._tokens[last + 1 :]):
            return first > 0
        return first == 0 and self._text[self._tokens[last].end :].startswith((" - ", " – "))

    def _bracketed(self, first: int, last: int) -> bool:
        before, after = self._around(first, last)
        return before.endswith(("(", "[", "{")) and after.startswith((")", "]", "}"))

    def _inside(self, at: int) -> bool:
        """`Sonata in C major` is a title, `Sonata (C major)` says the key of one."""
        before, _ = self._around(at, at)
        return before.count("(") + before.count("[") > before.count(")") + before.count("]")

    def _begins(self, at: int) -> bool:
        before, _ = self._around(at, at)
        return before.endswith(tuple("([{-–—,;"))

    def _ends(self, at: int) -> bool:
        _, after = self._around(at, at)
        if not after or after[0] in ")]}-–—,;":
            return True
        follows = self._tokens[at + 1].text if at + 1 < len(self._tokens) else ""
        return bool(_VERSION.fullmatch(follows) or _TEMPO.fullmatch(follows))

    def _around(self, first: int, last: int) -> tuple[str, str]:
        start, end = self._tokens[first].start, self._tokens[last].end
        return self._text[:start].rstrip(), self._text[end:].lstrip()


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The name without what was read out of it, and without what is empty then."""
    if not spans:
        return text
    for start, end in sorted(spans, reverse=True):
        text = f"{_BEFORE.sub('', text[:start])}{_GONE}{text[end:]}"
    text = " ".join(_HYPHENS.sub("-", text).replace(_GONE, " ").split())
    while (cleared := _EMPTY.sub(" ", text)) != text:
        text = cleared
    text = _DASHES.sub(_one_dash, " ".join(text.split()))
    return " ".join(text.split()).strip(_EDGES)


def _one_dash(run: re.Match[str]) -> str:
    first = run[0].strip()[0]
    return f" {first} " if " " in run[0] else first


def _apart(text: str) -> tuple[str | None, str | None]:
    """(artist, title) of `03 - Artist - Title`; an artist only where both are clear."""
    bare = _TRACK_NUMBER.sub("", text, count=1) if _TRACK_NUMBER.match(text) else text
    parts = [part.strip(_EDGES) for part in _SEPARATOR.split(bare)]
    parts = [part for part in parts if part]
    whole = bare.strip(_EDGES)
    if not re.search(r"[^\W_]", whole):
        return None, None
    if len(parts) == 1 or _is_version(parts[0]):
        return None, whole
    artist, *others = parts
    for at, part in enumerate(others):
        # `Artist - Album - 03 Title`, `Artist - Album - 03 - Title`
        if _TRACK_NUMBER.match(" - ".join((part, *others[at + 1 :]))):
            title = _TRACK_NUMBER.sub("", " - ".join(others[at:]), count=1)
            return artist, title
    if len(others) > 2 or _is_version(others[0]):
        return None, whole
    if len(others) == 2 and not _is_version(others[1]):
        return None, whole
    return artist, " - ".join(others)


def _is_version(part: str) -> bool:
    """Whether it only says which take, mix or part it is: `Radio Edit`, `v3`, `2026`."""
    words = re.findall(r"[^\s()\[\]{}_-]+", part)
    return all(_VERSION.fullmatch(word) for word in words)
