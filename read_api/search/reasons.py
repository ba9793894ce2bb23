"""Why a recording is among what was found, in a musician's words. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from read_api.search.chips import Chip
from read_api.search.vocabulary import FAMILIES
from schemas.dto import AssetDto
from schemas.harmony import camelot, relatives

# Below that two words have little in common.
ALIKE = 0.6
# Instruments and moods are named, but not all of them.
MOST_NAMES = 3


def why_found(
    asset: AssetDto, words: Sequence[str], chips: Iterable[Chip], meaning: float | None = None
) -> list[str]:
    """What of the question fits, each in a few words; `meaning` is the closeness of what the
    words mean to what was heard, 0..1."""
    reasons = _of_words(asset, words)
    if meaning is not None:
        reasons.append(f"sounds as described ({meaning:.2f})")
    reasons += [reason for chip in chips if (reason := _of_chip(asset, chip))]
    return list(dict.fromkeys(reasons))


def why_similar(one: AssetDto, other: AssetDto) -> list[str]:
    """What two recordings have in common: key, tempo, genre, instruments, moods."""
    reasons = []
    mine, yours = one.effective, other.effective
    if mine.key and yours.key:
        if mine.key == yours.key:
            reasons.append(f"same key ({yours.key})")
        elif yours.key in relatives(mine.key):
            reasons.append(f"{camelot(yours.key)} mixes with {camelot(mine.key)}")
    if mine.tempo_bpm and yours.tempo_bpm and (said := _tempi(mine.tempo_bpm, yours.tempo_bpm)):
        reasons.append(said)
    if mine.genre and yours.genre and _folded(mine.genre) == _folded(yours.genre):
        reasons.append(f"both {yours.genre}")
    if shared := [name for name in yours.instruments if name in mine.instruments]:
        reasons.append(f"both with {_listed(shared)}")
    if one.analysis and other.analysis:
        moods = [mood for mood in other.analysis.moods if mood in one.analysis.moods]
        if moods:
            reasons.append(f"both {_listed(moods)}")
    return reasons


def _tempi(mine: float, yours: float) -> str | None:
    for factor, how in ((1.0, ""), (2.0, " at half time"), (0.5, " at double time")):
        apart = abs(mine - yours * factor)
        if apart <= 0.04 * mine:
            near = "same tempo" if apart < 0.5 else f"{apart:.0f} BPM apart"
            return near + how
    return None


def _of_words(asset: AssetDto, words: Sequence[str]) -> list[str]:
    if not words:
        return []
    tags = asset.tags
    fields = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "genre": tags.genre,
        "file name": asset.filename,
    }
    texts = {name: _folded(text).split() for name, text in fields.items() if text}
    found: dict[str, list[str]] = {}
    for word in words:
        name, exact = _best(word, texts)
        if name:
            found.setdefault(name if exact else f"{name} reads like", []).append(word)
    return [f"{name} “{' '.join(said)}”" for name, said in found.items()]


def _best(word: str, texts: dict[str, list[str]]) -> tuple[str | None, bool]:
    """(the field that holds the word, as it is written); misspelt, where it is most alike."""
    for name, tokens in texts.items():
        if any(token.startswith(word) for token in tokens) or word in "".join(tokens):
            return name, True
    alike = [
        (SequenceMatcher(None, word, token).ratio(), name)
        for name, tokens in texts.items()
        for token in tokens
    ]
    share, name = max(alike, default=(0.0, None))
    return (name, False) if share >= ALIKE else (None, False)


def _of_chip(asset: AssetDto, chip: Chip) -> str | None:
    said, heard = asset.effective, asset.analysis
    match chip.name:
        case "bpm" if said.tempo_bpm:
            low, high = chip.bounds
            if low is None or high is None:
                return f"{said.tempo_bpm:.0f} BPM"
            off = abs(said.tempo_bpm - (low + high) / 2)
            return f"{said.tempo_bpm:.0f} BPM" + (f", {off:.0f} off" if off >= 0.5 else "")
        case "key" if said.key:
            return f"{said.key} ({camelot(said.key)})"
        case "compatible" if said.key:
            return f"{said.key}: {camelot(said.key)} mixes with {camelot(chip.value)}"
        case "genre":
            fits = said.genre and _folded(said.genre) == _folded(chip.value)
            return f"genre {said.genre}" if fits else f"text says {chip.value}"
        case "instrument":
            return _instrument(asset, chip.value)
        case "mood":
            return _mood(asset, chip.value)
        case "vocals" if heard and heard.vocals is not None:
            return f"sung in {heard.vocals:.0%} of it"
        case "energy" if said.energy is not None:
            return f"energy {said.energy:.2f}"
    return None


def _instrument(asset: AssetDto, name: str) -> str:
    for each in asset.analysis.instruments if asset.analysis else ():
        if each.name in (name, FAMILIES.get(name)):
            return f"{each.name} in {each.share:.0%} of it"
    return f"with {name}" if name in asset.effective.instruments else f"text says {name}"


def _mood(asset: AssetDto, name: str) -> str | None:
    if asset.analysis and name in asset.analysis.moods:
        return f"mood {name}"
    numbers = {
        "energy": asset.effective.energy,
        "valence": asset.effective.valence,
    }
    known = [f"{each} {value:.2f}" for each, value in numbers.items() if value is not None]
    return f"{name}: {', '.join(known)}" if known else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES])


def _folded(text: str) -> str:
    """Near to what `search_fold` makes in the database: lower case, no accents, words only."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split()
    )
