"""A search as it is kept: the query of a list's address, checked and in one form."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from read_api.vault.asset_filters import AssetFilters
from schemas.errors import NoCultureError

# Which page is shown, and how, is nothing to keep, a collection of a collection is the same one,
# and what others share, or what is in the trash, is no search.
_NOT_KEPT = {"limit", "cursor", "collection", "shared", "trashed", "versions"}


class InvalidQuery(NoCultureError):
    status, code = 422, "invalid-query"

    def __init__(self, why: str) -> None:
        super().__init__(f"This search cannot be saved: {why}")


def filters_of(query: str, **more: object) -> AssetFilters:
    """Raises InvalidQuery (422)."""
    said = {name: value for name, value in parse_qsl(query) if name not in _NOT_KEPT}
    unknown = said.keys() - AssetFilters.model_fields.keys()
    if unknown:
        raise InvalidQuery(f"{', '.join(sorted(unknown))!s:.100} is no parameter of a list")
    try:
        return AssetFilters.model_validate(said | more)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidQuery(f"{where}: {first['msg']}".lstrip(": ")) from error


def query_of(filters: AssetFilters) -> str:
    """In the order of the parameters, without what is not kept."""
    said = filters.model_dump(mode="json", exclude=_NOT_KEPT, exclude_none=True)
    return urlencode({name: f"{v:g}" if isinstance(v, float) else v for name, v in said.items()})


def canonical(query: str) -> str:
    """As it is kept. Raises InvalidQuery (422), also for a search for nothing."""
    kept = query_of(filters_of(query))
    if not kept:
        raise InvalidQuery("it has no words or filters")
    return kept
