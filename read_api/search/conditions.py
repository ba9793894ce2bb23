"""Filters as SQL over `views.vault`: what parameters say, and what the chips of a question say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from read_api.asset_filters import AssetFilters
from read_api.search.chips import PARAMETERS, Chip
from read_api.search.vocabulary import FAMILIES, MOOD_SPELLINGS, MOODS
from schemas.harmony import relatives

# The share of a recording in which somebody sings, from which on it has vocals.
SUNG = 0.2
_PLAIN = {
    "state": "state = %(state)s",
    "genre": "genre_fold = search_fold(%(genre)s)",
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
}
_COLUMNS = {
    "bpm": "effective_tempo_bpm",
    "length": "duration_s",
    "energy": "effective_energy",
    "danceability": "effective_danceability",
}


@dataclass
class Conditions:
    """Hold together; `parameters` go with them, `tempo_bpm` is the one that is asked for."""

    where: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tempo_bpm: float | None = None

    def add(self, condition: str, **values: Any) -> None:
        """`condition` names its values as `{name}`; each gets a parameter of its own."""
        names = {}
        for name, value in values.items():
            parameter = f"p{len(self.parameters)}"
            self.parameters[parameter] = value
            names[name] = f"%({parameter})s"
        self.where.append(condition.format(**names))

    @property
    def sql(self) -> str:
        return " AND ".join(self.where)


def counting(filters: AssetFilters, chips: Iterable[Chip]) -> tuple[Chip, ...]:
    """The chips that say something which no parameter of the list says."""
    return tuple(
        chip
        for chip in chips
        if all(getattr(filters, name) is None for name in PARAMETERS[chip.name])
    )


def conditions(workspace_id: str, filters: AssetFilters, chips: Iterable[Chip]) -> Conditions:
    """What every row that is shown must fulfil, words apart."""
    held = Conditions(["workspace_id = %(workspace_id)s"], {"workspace_id": workspace_id})
    for name, condition in _PLAIN.items():
        value = getattr(filters, name)
        if value is not None:
            held.where.append(condition)
            held.parameters[name] = value
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
    _genres(held, [chip.value for chip in chips if chip.name == "genre"])
    for chip in chips:
        if chip.name in _CHIPS:
            _CHIPS[chip.name](held, chip)
    return held


def _spoken(condition: str) -> str:
    """A word of a question may also be meant as it stands: found in the text, it counts too."""
    return f"({condition} OR search_vector @@ phraseto_tsquery('simple', search_fold({{said}})))"


def _genres(held: Conditions, names: list[str]) -> None:
    """One of them is enough: a recording has one genre."""
    if not names:
        return
    ways = [_spoken("genre_fold = search_fold({said})") for _ in names]
    numbered = [way.replace("{said}", f"{{said{n}}}") for n, way in enumerate(ways)]
    values = {f"said{n}": name for n, name in enumerate(names)}
    held.add(f"({' OR '.join(numbered)})", **values)


def _between(held: Conditions, chip: Chip) -> None:
    column = _COLUMNS[chip.name]
    low, high = chip.bounds
    if low is not None:
        held.add(f"{column} >= {{low}}", low=low)
    if high is not None:
        held.add(f"{column} <= {{high}}", high=high)
    if chip.name == "bpm" and low is not None and high is not None:
        held.tempo_bpm = (low + high) / 2


def _instrument(held: Conditions, chip: Chip) -> None:
    names = [chip.value, *filter(None, [FAMILIES.get(chip.value)])]
    held.add(_spoken("effective_instruments ?| {names}"), said=chip.value, names=names)


def _without(held: Conditions, chip: Chip) -> None:
    held.add("NOT effective_instruments @> to_jsonb({said}::text)", said=chip.value)


def _mood_chip(held: Conditions, chip: Chip) -> None:
    held.add(_spoken(f"({_mood(chip.value)})"), said=chip.value, **_spelt(chip.value))


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


def _vocals(held: Conditions, chip: Chip) -> None:
    if chip.value == "yes":
        held.add(_sung("yes"), sung=SUNG)
    else:
        held.add(_spoken(_sung("no")), sung=SUNG, said="instrumental")


_CHIPS: dict[str, Callable[[Conditions, Chip], None]] = {
    **dict.fromkeys(_COLUMNS, _between),
    "key": lambda held, chip: held.add("effective_key = {key}", key=chip.value),
    "compatible": lambda held, chip: held.add(
        "effective_key = ANY ({keys})", keys=list(relatives(chip.value))
    ),
    "instrument": _instrument,
    "without": _without,
    "mood": _mood_chip,
    "vocals": _vocals,
    "since": lambda held, chip: held.add("uploaded_at >= {day}", day=chip.day),
    "until": lambda held, chip: held.add("uploaded_at < {day}", day=chip.day),
}
