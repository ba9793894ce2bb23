"""Filters as SQL over `views.vault`: what parameters say, and what the chips of a question say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from projections.vault.genres import genre_key
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.search.chips import PARAMETERS, Chip
from read_api.vault.search.spoken import as_query, phrases
from read_api.vault.search.vocabulary import FAMILIES, MOOD_SPELLINGS, MOODS
from schemas.audio.harmony import relatives

# The share of a recording in which somebody sings, from which on it has vocals.
SUNG = 0.2
_PLAIN = {
    "state": "state = %(state)s",
    "key": "effective_key = %(key)s",
    "tempo_min": "effective_tempo_bpm >= %(tempo_min)s",
    "tempo_max": "effective_tempo_bpm <= %(tempo_max)s",
    "duration_min": "duration_s >= %(duration_min)s",
    "duration_max": "duration_s <= %(duration_max)s",
    "since": "uploaded_at >= %(since)s",
    "until": "uploaded_at < %(until)s",
    "energy_min": "effective_energy >= %(energy_min)s",
    "energy_max": "effective_energy <= %(energy_max)s",
    "danceability_min": "effective_danceability >= %(danceability_min)s",
    "danceability_max": "effective_danceability <= %(danceability_max)s",
    "status": "status = %(status)s",
    "rating_min": "rating >= %(rating_min)s",
    "rating_max": "rating <= %(rating_max)s",
    "colour": "colour = %(colour)s",
}
_GENRE = "genre_fold ?| {keys}"
_COLUMNS = {
    "bpm": "effective_tempo_bpm",
    "length": "duration_s",
    "energy": "effective_energy",
    "danceability": "effective_danceability",
    "rating": "rating",
}


# A row that fits an asked mood or genre comes before one that has the words apart.
GUESS_WEIGHT = 0.5


@dataclass
class Conditions:
    """Hold together; `parameters` go with them, `tempo_bpm` is the one that is asked for.

    `guesses` are what only ranks: what is guessed hides nothing. `or_said` are the conditions of
    `where` again, for a row whose text says some of it by one of the `phrases`; `said` holds for
    such rows. They are apart, for an OR would keep `where` from using its indexes.
    """

    where: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    guesses: list[str] = field(default_factory=list)
    or_said: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    said: str | None = None
    tempo_bpm: float | None = None

    def add(self, condition: str, **values: Any) -> None:
        """`condition` names its values as `{name}`; each gets a parameter of its own."""
        self.where.append(self.named(condition, **values))

    def named(self, condition: str, **values: Any) -> str:
        names = {}
        for name, value in values.items():
            parameter = f"p{len(self.parameters)}"
            self.parameters[parameter] = value
            names[name] = f"%({parameter})s"
        return condition.format(**names)

    def both(self, condition: str) -> None:
        """Whatever the text says."""
        self.where.append(condition)
        self.or_said.append(condition)

    @property
    def sql(self) -> str:
        return " AND ".join(self.where)

    @property
    def worth(self) -> list[str]:
        """Lists what each guess that fits adds to a row's score."""
        return [f"CASE WHEN {guess} THEN {GUESS_WEIGHT} ELSE 0 END" for guess in self.guesses]


def counting(filters: AssetFilters, chips: Iterable[Chip]) -> tuple[Chip, ...]:
    """The chips that say something which no parameter of the list says."""
    return tuple(
        chip
        for chip in chips
        if all(getattr(filters, name) is None for name in PARAMETERS[chip.name])
    )


def conditions(workspace_id: str, filters: AssetFilters) -> Conditions:
    """Makes the conditions that every shown row must fulfil: the parameters."""
    held = Conditions(["workspace_id = %(workspace_id)s"], {"workspace_id": workspace_id})
    for name, condition in _PLAIN.items():
        value = getattr(filters, name)
        if value is not None:
            held.where.append(condition)
            held.parameters[name] = value
    if filters.genre:
        held.add(_GENRE, keys=[genre_key(filters.genre)])
    if filters.compatible_with:
        held.add("effective_key = ANY ({keys})", keys=list(relatives(filters.compatible_with)))
    if filters.vocals:
        held.add(_sung(filters.vocals), sung=SUNG)
    if filters.instruments:
        held.add("effective_instruments @> {all}::jsonb", all=json.dumps(filters.instruments))
    for mood in filters.moods:
        held.add(f"({_mood(mood)})", **_spelt(mood))
    if filters.similar_to:
        held.add("asset_id <> {asset_id}", asset_id=filters.similar_to)
    if filters.collection:
        held.add(
            "asset_id IN (SELECT jsonb_array_elements_text(assets) FROM views.collections"
            " WHERE collection_id = {collection} AND workspace_id = %(workspace_id)s)",
            collection=filters.collection,
        )
    if filters.tempo_min is not None and filters.tempo_max is not None:
        held.tempo_bpm = (filters.tempo_min + filters.tempo_max) / 2
    return held


def read_as(held: Conditions, chips: Iterable[Chip], *, words: bool) -> Conditions:
    """Adds what a row must fulfil where the question is read by its chips: that it was measured
    so, or, if the chip was spoken, that its text says so.

    Where there is nothing but guesses, neither `words` nor filters, one of them must be right.
    """
    reading = Conditions(
        [*held.where], {**held.parameters}, or_said=[*held.where], tempo_bpm=held.tempo_bpm
    )
    chips = list(chips)
    _genres(reading, [chip for chip in chips if chip.name == "genre"])
    for chip in chips:
        if chip.name in _CHIPS:
            _CHIPS[chip.name](reading, chip)
    if reading.guesses and not words and all(chip.guessed for chip in chips):
        reading.where.append(f"({' OR '.join(reading.guesses)})")
    if reading.phrases:
        query = "search_vector @@ to_tsquery('simple', {phrases})"
        some = reading.named(query, phrases=as_query(reading.phrases))
        either = " AND ".join(reading.or_said)
        reading.said = f"{some} AND {either} AND ({reading.sql}) IS NOT TRUE"
    return reading


def _hold(held: Conditions, chip: Chip, measured: str) -> None:
    """Measured so, or, where its words may also be meant as they stand, found in the text."""
    held.where.append(f"({measured})")
    held.or_said.append(_or_said(held, chip, measured))
    if chip.spoken:
        held.phrases += phrases(chip)


def _or_said(held: Conditions, chip: Chip, measured: str) -> str:
    if not chip.spoken or not (said := phrases(chip)):
        return f"({measured})"
    text = held.named("search_vector @@ to_tsquery('simple', {said})", said=as_query(said))
    return f"({measured} OR {text})"


def _genres(held: Conditions, chips: list[Chip]) -> None:
    """One of them is enough. Written ones are filters; spoken ones hide what is said to be of
    another genre, never what is only guessed to be."""
    written = [genre_key(chip.value) for chip in chips if not chip.spoken]
    if written:
        held.both(held.named(_GENRE, keys=written))
    spoken = [chip for chip in chips if chip.spoken]
    fitting = [
        _or_said(held, chip, held.named(_GENRE, keys=[genre_key(chip.value)])) for chip in spoken
    ]
    held.guesses += fitting
    if fitting and not written:
        held.both(f"(genre_keys IS NULL OR {' OR '.join(fitting)})")


def _between(held: Conditions, chip: Chip) -> None:
    column = _COLUMNS[chip.name]
    low, high = chip.bounds
    limits = [
        held.named(f"{column} {sign} {{limit}}", limit=limit)
        for sign, limit in ((">=", low), ("<=", high))
        if limit is not None
    ]
    _hold(held, chip, " AND ".join(limits))
    if chip.name == "bpm" and low is not None and high is not None:
        held.tempo_bpm = (low + high) / 2


def _instrument(held: Conditions, chip: Chip) -> None:
    names = [chip.value, *filter(None, [FAMILIES.get(chip.value)])]
    _hold(held, chip, held.named("effective_instruments ?| {names}", names=names))


def _mood_chip(held: Conditions, chip: Chip) -> None:
    measured = held.named(_mood(chip.value), **_spelt(chip.value))
    if chip.guessed:
        held.guesses.append(_or_said(held, chip, measured))
    else:
        held.both(f"({measured})")


def _mood(name: str) -> str:
    """Said so by the analysis, or shown by its numbers."""
    limits = " AND ".join(
        f"effective_{column} {sign} {limit}" for column, sign, limit in MOODS.get(name, ())
    )
    said = "moods ?| {spelt}"
    return f"{said} OR ({limits})" if limits else said


def _spelt(mood: str) -> dict[str, Any]:
    return {"spelt": list(MOOD_SPELLINGS.get(mood, (mood,)))}


def _sung(vocals: str) -> str:
    return "vocals >= {sung}" if vocals == "yes" else "vocals < {sung}"


def _simple(condition: str, value: Callable[[Chip], Any]) -> Callable[[Conditions, Chip], None]:
    def add(held: Conditions, chip: Chip) -> None:
        _hold(held, chip, held.named(condition, value=value(chip)))

    return add


def _vocals(held: Conditions, chip: Chip) -> None:
    _hold(held, chip, held.named(_sung(chip.value), sung=SUNG))


_CHIPS: dict[str, Callable[[Conditions, Chip], None]] = {
    **dict.fromkeys(_COLUMNS, _between),
    "key": _simple("effective_key = {value}", lambda chip: chip.value),
    "compatible": _simple(
        "effective_key = ANY ({value})", lambda chip: list(relatives(chip.value))
    ),
    "instrument": _instrument,
    "without": _simple(
        "NOT effective_instruments @> to_jsonb({value}::text)", lambda chip: chip.value
    ),
    "mood": _mood_chip,
    "vocals": _vocals,
    "status": _simple("status = {value}", lambda chip: chip.value),
    "colour": _simple("colour = {value}", lambda chip: chip.value),
    "since": _simple("uploaded_at >= {value}", lambda chip: chip.day),
    "until": _simple("uploaded_at < {value}", lambda chip: chip.day),
}
