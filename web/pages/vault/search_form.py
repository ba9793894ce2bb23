"""The search form of the vault as text, to ask with it and to show it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from read_api.vault.asset_filters import AssetFilters
from read_api.vault.search.saved import query_of
from schemas.vault.found import CollectionDto

LENGTHS = (
    ("", "Any length"),
    ("-60", "Under 1 min"),
    ("60-180", "1 to 3 min"),
    ("180-300", "3 to 5 min"),
    ("300-", "Over 5 min"),
)
VOCALS = (("", "Vocals or not"), ("yes", "With vocals"), ("no", "No vocals"))
_FIELDS = (
    *("q", "tempo_min", "tempo_max", "key", "compatible_with", "vocals", "length", "state", "sort"),
)
# Saved searches and links carry these; the form has no field for them, but shows that they hold.
_CARRIED = {
    "similar_to": "sounds alike",
    "collection": "of one collection",
    "genre": "genre {}",
    "instrument": "with {}",
    "mood": "mood {}",
    "duration_min": "from {} s",
    "duration_max": "up to {} s",
    "energy_min": "energy from {}",
    "energy_max": "energy up to {}",
    "danceability_min": "danceability from {}",
    "danceability_max": "danceability up to {}",
    "since": "uploaded since {}",
    "until": "uploaded before {}",
}


@dataclass(frozen=True, slots=True)
class SearchForm:
    """Its fields, and in `carried` the parameters of the address that it has no field for."""

    q: str = ""
    tempo_min: str = ""
    tempo_max: str = ""
    key: str = ""
    compatible_with: str = ""
    vocals: str = ""
    length: str = ""
    state: str = ""
    sort: str = ""
    carried: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Request) -> SearchForm:
        given = {name: value[:500].strip() for name, value in request.query_params.items()}
        carried = tuple((name, given[name]) for name in _CARRIED if given.get(name))
        return cls(**{name: given.get(name, "")[:200] for name in _FIELDS}, carried=carried)

    @property
    def said(self) -> dict[str, str]:
        fields = {name: value for name in _FIELDS if (value := getattr(self, name))}
        return fields | dict(self.carried)

    @property
    def filtered(self) -> bool:
        return bool(self.said.keys() - {"sort"})

    @property
    def carried_labels(self) -> list[tuple[str, str]]:
        """(what holds, the address without it)"""
        return [
            (_CARRIED[name].format(value), self.url(**{name: ""})) for name, value in self.carried
        ]

    def filters(self, limit: int, cursor: str | None) -> AssetFilters:
        """Raises ValidationError."""
        asked: dict[str, Any] = {**self.said, "limit": limit, "cursor": cursor}
        shortest, _, longest = asked.pop("length", "").partition("-")
        if shortest:
            asked["duration_min"] = shortest
        if longest:
            asked["duration_max"] = longest
        return AssetFilters(**asked)

    def saved(self) -> str:
        """As the query of a collection. Raises ValidationError."""
        return query_of(self.filters(1, None))

    def url(self, **more: str) -> str:
        """The vault's address; a blank parameter is left out."""
        return self._under("/vault", more)

    def archive_url(self) -> str:
        """The address of all that it finds as one zip."""
        return self._under("/vault/archive", {})

    def _under(self, path: str, more: dict[str, str]) -> str:
        query = urlencode({name: value for name, value in (self.said | more).items() if value})
        return f"{path}?{query}" if query else path


def opened(collection: CollectionDto) -> str:
    """Where one sees what a collection holds."""
    if collection.kind == "smart":
        return f"/vault?{collection.query or ''}"
    return f"/collections/{collection.id}"
