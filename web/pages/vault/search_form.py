"""The search of the vault as text, to ask with it and to show it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request

from read_api.vault.asset_filters import AssetFilters
from read_api.vault.search.saved import query_of
from schemas.vault.found import CollectionDto
from web.pages.vault.filters import FIELDS, FILTERS, LENGTHS

# Links and saved searches carry these; no editor sets them, but a chip says that they hold.
_CARRIED = {
    "similar_to": "Sounds alike",
    "collection": "Of one collection",
    "duration_min": "From {} s",
    "duration_max": "Up to {} s",
}
_LONGEST = 500


class Chip(NamedTuple):
    """Condition that holds, in words; the `fields` that say it, and the address without them."""

    words: str
    fields: tuple[str, ...]
    without: str


@dataclass(frozen=True, slots=True)
class SearchForm:
    """Words, filters and order. `given` has what is set of the filters, by parameter."""

    q: str = ""
    sort: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request) -> SearchForm:
        return cls.read(request.query_params)

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> SearchForm:
        typed = {name: value[:_LONGEST].strip() for name, value in parameters.items()}
        given = {name: typed[name] for name in (*FIELDS, *_CARRIED) if typed.get(name)}
        return cls(typed.get("q", ""), typed.get("sort", ""), _with_length(given))

    @property
    def said(self) -> dict[str, str]:
        return {n: v for n, v in {"q": self.q, **self.given, "sort": self.sort}.items() if v}

    @property
    def filtered(self) -> bool:
        return bool(self.q or self.given)

    @property
    def carried(self) -> list[tuple[str, str]]:
        return [(name, self.given[name]) for name in _CARRIED if name in self.given]

    @property
    def chips(self) -> list[Chip]:
        """One for each filter that is set, in the order of the menu."""
        said = [(each.said(self.given), each.fields) for each in FILTERS]
        said += [(_CARRIED[name].format(value), (name,)) for name, value in self.carried]
        return [
            Chip(words, fields, self.url(**dict.fromkeys(fields, "")))
            for words, fields in said
            if words
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


def _with_length(given: dict[str, str]) -> dict[str, str]:
    """A saved search keeps a chosen length as two durations: here it is that length again."""
    span = f"{given.get('duration_min', '')}-{given.get('duration_max', '')}"
    if "length" in given or span not in dict(LENGTHS):
        return given
    kept = {name: value for name, value in given.items() if not name.startswith("duration_")}
    return kept | {"length": span}


def opened(collection: CollectionDto) -> str:
    """Where one sees what a collection holds."""
    if collection.kind == "smart":
        return f"/vault?{collection.query or ''}"
    return f"/collections/{collection.id}"
