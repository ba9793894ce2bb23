"""Why a recording is among what was found, in a musician's words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from projections.folding import fold, has_words, signs
from projections.vault.genres import genre_key, genre_keys
from read_api.vault.search.chips import Chip, stars
from read_api.vault.search.conditions import SUNG
from read_api.vault.search.spoken import phrases
from read_api.vault.search.vocabulary import FAMILIES, MOOD_SPELLINGS, MOODS
from schemas.audio.harmony import camelot, relatives
from schemas.vault.dto import AssetDto

_FIELDS = {
    "folded_title": "title",
    "folded_artist": "artist",
    "folded_artists": "artists",
    "folded_album": "album",
    "folded_genre": "genre",
    "folded_genres": "genres",
    "folded_filename": "file name",
    "folded_album_artist": "album artist",
    "folded_composer": "composer",
    "folded_label": "label",
    "folded_copyright": "copyright",
    "folded_comment": "comment",
    "folded_isrc": "ISRC",
    "folded_path": "folder",
}
# Below that two words have little in common.
ALIKE = 0.6
# Instruments and moods are named, but not all of them.
MOST_NAMES = 3


def why_found(
    asset: AssetDto,
    texts: Mapping[str, str],
    words: Sequence[str],
    chips: Iterable[Chip],
    meaning: float | None = None,
    asked: str = "",
) -> list[str]:
    """Lists what of the question fits, in a few words each; `texts` are the row's folds by what
    they are called, `asked` is the whole question, `meaning` the closeness of what the words mean
    to what was heard, 0..1."""
    whole = _whole(asset, texts, asked)
    reasons = [f"{whole} “{' '.join(asked.split())}”"] if whole else _of_words(texts, words)
    if meaning is not None:
        reasons.append(f"sounds as described ({meaning:.2f})")
    for chip in chips:
        reason = _of_chip(asset, chip)
        if reason is None and not whole and chip.spoken:
            reason = _in_text(texts, chip)
        reasons += [reason] if reason else []
    return list(dict.fromkeys(reasons))


def why_similar(one: AssetDto, other: AssetDto) -> list[str]:
    """Lists what two recordings have in common: key, tempo, genre, instruments, moods."""
    reasons = []
    mine, yours = one.effective, other.effective
    if mine.key and yours.key:
        if mine.key == yours.key:
            reasons.append(f"same key ({yours.key})")
        elif yours.key in relatives(mine.key):
            reasons.append(f"{camelot(yours.key)} mixes with {camelot(mine.key)}")
    if mine.tempo_bpm and yours.tempo_bpm and (said := _tempi(mine.tempo_bpm, yours.tempo_bpm)):
        reasons.append(said)
    if mine.genre and yours.genre and genre_key(mine.genre) == genre_key(yours.genre):
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


def texts_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The folds of a row of the vault by what they are of."""
    return {label: text for column, label in _FIELDS.items() if (text := row.get(column))}


def _whole(asset: AssetDto, texts: Mapping[str, str], asked: str) -> str | None:
    """The field that holds the whole question."""
    phrase = fold(asked)
    if not phrase:
        return None
    for name, text in texts.items():
        if phrase in text:
            return name
    raw = {"title": asset.tags.title, "file name": asset.filename, "artist": asset.tags.artist}
    for name, written in raw.items():
        if written and not has_words(phrase) and phrase in signs(written):
            return name
    return None


def _of_words(texts: Mapping[str, str], words: Sequence[str]) -> list[str]:
    found: dict[str, list[str]] = {}
    for word in words:
        name, exact = _best(word, texts)
        if name:
            found.setdefault(name if exact else f"{name} reads like", []).append(word)
    return [f"{name} “{' '.join(said)}”" for name, said in found.items()]


def _best(word: str, texts: Mapping[str, str]) -> tuple[str | None, bool]:
    """(the field that holds the word, as it is written); misspelt, where it is most alike."""
    for name, text in texts.items():
        if any(token.startswith(word) for token in text.split()):
            return name, True
    for name, text in texts.items():
        if word in text:
            return name, True
    if word.isdecimal():
        return None, False
    alike = [
        (SequenceMatcher(None, word, token).ratio(), name)
        for name, text in texts.items()
        for token in text.split()
    ]
    share, likest = max(alike, default=(0.0, None))
    return (likest, False) if share >= ALIKE else (None, False)


def _in_text(texts: Mapping[str, str], chip: Chip) -> str | None:
    """Where a text says what the chip asks for."""
    for name, text in texts.items():
        spaced = f" {' '.join(text.split())} "
        for phrase in phrases(chip):
            if f" {phrase} " in spaced:
                return f"{name} “{phrase}”"
    return None


def _of_chip(asset: AssetDto, chip: Chip) -> str | None:
    """How it was measured, if that is what was asked for."""
    said, heard = asset.effective, asset.analysis
    match chip.name:
        case "bpm" if said.tempo_bpm and _within(said.tempo_bpm, chip):
            low, high = chip.bounds
            if low is None or high is None:
                return f"{said.tempo_bpm:.0f} BPM"
            off = abs(said.tempo_bpm - (low + high) / 2)
            return f"{said.tempo_bpm:.0f} BPM" + (f", {off:.0f} off" if off >= 0.5 else "")
        case "key" if said.key == chip.value:
            return f"{said.key} ({camelot(said.key)})"
        case "compatible" if said.key and said.key in relatives(chip.value):
            return f"{said.key}: {camelot(said.key)} mixes with {camelot(chip.value)}"
        case "genre" if genre_key(chip.value) in (genre_keys(said.genre) or ()):
            return f"genre {said.genre}"
        case "instrument":
            return _instrument(asset, chip.value)
        case "mood":
            return _mood(asset, chip.value)
        case "vocals" if heard and heard.vocals is not None:
            if (heard.vocals >= SUNG) == (chip.value == "yes"):
                return f"sung in {heard.vocals:.0%} of it"
        case "rating" if asset.marks and asset.marks.rating and _within(asset.marks.rating, chip):
            return stars(asset.marks.rating)
        case "energy" if said.energy is not None and _within(said.energy, chip):
            return f"energy {said.energy:.2f}"
    return None


def _within(value: float, chip: Chip) -> bool:
    low, high = chip.bounds
    return (low is None or value >= low) and (high is None or value <= high)


def _instrument(asset: AssetDto, name: str) -> str | None:
    for each in asset.analysis.instruments if asset.analysis else ():
        if each.name in (name, FAMILIES.get(name)):
            return f"{each.name} in {each.share:.0%} of it"
    return f"with {name}" if name in asset.effective.instruments else None


def _mood(asset: AssetDto, name: str) -> str | None:
    if asset.analysis and set(asset.analysis.moods) & {name, *MOOD_SPELLINGS.get(name, ())}:
        return f"mood {name}"
    known = {
        "energy": asset.effective.energy,
        "valence": asset.effective.valence,
        "danceability": asset.effective.danceability,
    }
    limits = MOODS.get(name, ())
    numbers = [(column, sign, limit, known[column]) for column, sign, limit in limits]
    fits = numbers and all(
        value is not None and (value >= limit if sign == ">=" else value <= limit)
        for _, sign, limit, value in numbers
    )
    shown = ", ".join(f"{column} {value:.2f}" for column, _, _, value in numbers if fits)
    return f"{name}: {shown}" if shown else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES])
