"""One page of the vault as SQL: filters, full text, misspelt words, keyset paging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from read_api.asset_filters import AssetFilters

# sort name → (column, its type); only _NULLABLE ones can be absent in a row that is seen
_SORTS = {
    "uploaded_at": ("uploaded_at", "timestamptz"),
    "title": ("title_sort", "text"),
    "tempo": ("effective_tempo_bpm", "double precision"),
    "duration": ("duration_s", "double precision"),
    "relevance": ("score", "numeric"),
}
_NULLABLE = frozenset({"effective_tempo_bpm", "duration_s"})
_FILTERS = {
    "state": "state = %(state)s",
    "genre": "genre_fold = search_fold(%(genre)s)",
    "key": "effective_key = %(key)s",
    "tempo_min": "effective_tempo_bpm >= %(tempo_min)s",
    "tempo_max": "effective_tempo_bpm <= %(tempo_max)s",
    "duration_min": "duration_s >= %(duration_min)s",
    "duration_max": "duration_s <= %(duration_max)s",
    "since": "uploaded_at >= %(since)s",
}
# A word with one typo shares little: "dirve" and "drive" 0.2, "nihgt" and "night" 0.33. Of 400
# drawn typos 0.3 found 88 % of the titles, 0.2 all and 4 % of the others; the cut drops what
# is far less alike than the best. Only questions that find nothing as written come this far.
SIMILARITY = 0.2
CUT = 0.4


@dataclass(frozen=True, slots=True)
class After:
    """Where the page before ended: its last row's sort key as text (None = null) and id."""

    sort_key: str | None
    asset_id: str


def page_statement(
    workspace_id: str, filters: AssetFilters, words: list[str], *, fuzzy: bool, after: After | None
) -> tuple[str, dict[str, Any]]:
    """(statement, parameters) for `limit + 1` rows: vault columns, `score` and `sort_key`.

    `words` are those of `q`, folded. Not fuzzy: each word begins a word of the row, or all of them
    stand in it as they are. Fuzzy: each word is at least similar to something in the row.
    """
    parameters: dict[str, Any] = {"workspace_id": workspace_id, "rows": filters.limit + 1}
    where = ["workspace_id = %(workspace_id)s"]
    for name, condition in _FILTERS.items():
        value = getattr(filters, name)
        if value is not None:
            where.append(condition)
            parameters[name] = value
    score = "0::numeric"
    if words:
        matches, score = _fuzzy(words, parameters) if fuzzy else _exact(words, parameters)
        where.append(matches)
    column, type_ = _SORTS[filters.order.lstrip("-")]
    descending = filters.order.startswith("-") or filters.order == "relevance"
    keyset = _keyset(column, type_, descending, after, parameters)
    direction = "DESC" if descending else "ASC"
    # NULLS LAST keeps an index from being read backwards.
    order = f"{column} {direction}{' NULLS LAST' if column in _NULLABLE else ''}"
    found = f"SELECT *, {score} AS score FROM views.vault WHERE {' AND '.join(where)}"
    if words and fuzzy:
        found = f"SELECT *, max(score) OVER () AS best FROM ({found}) AS alike"
        keyset += f" AND score >= best * {CUT}"
    return (
        f"SELECT *, {column}::text AS sort_key FROM ({found}) AS found WHERE {keyset}"
        f" ORDER BY {order}, asset_id {direction} LIMIT %(rows)s",
        parameters,
    )


def _exact(words: list[str], parameters: dict[str, Any]) -> tuple[str, str]:
    parameters["prefixes"] = " & ".join(f"{word}:*" for word in words)
    parameters["phrase"] = " ".join(words)
    query = "to_tsquery('simple', %(prefixes)s)"
    # The substring finds what has no word boundaries (Japanese) or was cut in the middle.
    matches = f"(search_vector @@ {query} OR search_text LIKE '%%' || %(phrase)s || '%%')"
    # word_similarity lifts the row that holds the whole phrase over one that holds its words apart.
    score = (
        f"round((ts_rank(search_vector, {query})"
        " + word_similarity(%(phrase)s, search_text))::numeric, 6)"
    )
    return matches, score


def _fuzzy(words: list[str], parameters: dict[str, Any]) -> tuple[str, str]:
    conditions, scores = [], []
    for number, word in enumerate(words):
        parameters[f"word{number}"] = word
        parameters[f"prefix{number}"] = f"{word}:*"
        conditions.append(
            f"(%(word{number})s <%% search_text"
            f" OR search_vector @@ to_tsquery('simple', %(prefix{number})s))"
        )
        scores.append(f"word_similarity(%(word{number})s, search_text)")
    return " AND ".join(conditions), f"round((({' + '.join(scores)}) / {len(words)})::numeric, 6)"


def _keyset(
    column: str, type_: str, descending: bool, after: After | None, parameters: dict[str, Any]
) -> str:
    """Rows behind `after`; nulls come last in both directions."""
    if after is None:
        return "true"
    beyond = "<" if descending else ">"
    parameters["after_id"] = after.asset_id
    if after.sort_key is None:
        return f"({column} IS NULL AND asset_id {beyond} %(after_id)s)"
    parameters["after_key"] = after.sort_key
    key = f"%(after_key)s::{type_}"
    if column not in _NULLABLE:
        return f"({column}, asset_id) {beyond} ({key}, %(after_id)s)"
    return (
        f"({column} {beyond} {key} OR {column} IS NULL"
        f" OR ({column} = {key} AND asset_id {beyond} %(after_id)s))"
    )
