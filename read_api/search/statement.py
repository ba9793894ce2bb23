"""One page of the vault as SQL: filters, text, nearest by vector, ranking, keyset paging.

The ranking is a sum, so that a row's place needs no other row's: text (0 to 2, and only there are
rows above 1), + closeness of meaning (0 to 1), + closeness of sound (0 to 1), + half a point for
the tempo that was asked for, less the farther away it is. Ties go to the newer one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from read_api.search.conditions import Conditions
from read_api.search.nearest import FEW, Nearest
from read_api.search.texts import How, TextMatch, text_match

# sort name → (column, its type); only _NULLABLE ones can be absent in a row that is seen
_SORTS = {
    "uploaded_at": ("uploaded_at", "timestamptz"),
    "title": ("title_sort", "text"),
    "tempo": ("effective_tempo_bpm", "double precision"),
    "duration": ("duration_s", "double precision"),
    "relevance": ("score", "numeric"),
}
_NULLABLE = frozenset({"effective_tempo_bpm", "duration_s"})
# A tempo that is a tenth off earns nothing.
TEMPO_WEIGHT, TEMPO_REACH = 0.5, 0.1
# Broad is what fits more than 1 % of the newest rows, if they fill a page or there are many in all:
# that is not ranked but shown newest first.
LOOKED_AT, BROAD, MANY = 2_000, 20, 1_000


@dataclass(frozen=True, slots=True)
class After:
    """Where the page before ended: its last row's sort key as text (None = null) and id."""

    sort_key: str | None
    asset_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """All that decides which rows are shown, in which order. `words` are folded."""

    held: Conditions
    order: str
    words: tuple[str, ...] = ()
    meaning: Nearest | None = None
    sound: Nearest | None = None
    few: bool = True

    @property
    def ranked(self) -> str:
        """The order; relevance only where something tells one row from another."""
        ranks = self.words or self.sound or self.held.tempo_bpm is not None
        return self.order if ranks or self.order != "relevance" else "-uploaded_at"

    @property
    def near(self) -> tuple[Nearest, ...]:
        return tuple(each for each in (self.meaning, self.sound) if each)


def page_statement(
    asked: Asked, how: How, after: After | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """(statement, parameters) for `limit + 1` rows: vault columns, `score`, `text_score`,
    closeness to what was asked for, and `sort_key`."""
    parameters = {**asked.held.parameters, "rows": limit + 1}
    text = text_match(list(asked.words), how) if asked.words else None
    for more in (text, *asked.near):
        parameters |= more.parameters if more else {}
    if how == "broad" and text and asked.ranked == "relevance":
        return _newest_first(asked, text, after, parameters), parameters
    column, type_ = _SORTS[asked.ranked.lstrip("-")]
    descending = asked.ranked.startswith("-") or asked.ranked == "relevance"
    keyset = _keyset(column, type_, descending, after, parameters)
    direction = "DESC" if descending else "ASC"
    # NULLS LAST keeps an index from being read backwards.
    order = f"{column} {direction}{' NULLS LAST' if column in _NULLABLE else ''}"
    found = f"SELECT {_columns(asked, text)} FROM {_source(asked, text)} WHERE {asked.held.sql}"
    return (
        f"{_tables(asked, text)} SELECT *, {column}::text AS sort_key FROM ({found}) AS found"
        f" WHERE {keyset} ORDER BY {order}, asset_id {direction} LIMIT %(rows)s",
        parameters,
    )


def count_statement(asked: Asked, how: How) -> tuple[str, dict[str, Any]]:
    """How many rows there are in all, those that only mean the same apart."""
    text = text_match(list(asked.words), how) if asked.words else None
    if text is None:
        where = asked.held.sql
        return f"SELECT count(*) AS found FROM views.vault WHERE {where}", asked.held.parameters
    parameters = asked.held.parameters | text.parameters
    if text.apart:
        return f"SELECT count(*) AS found FROM ({text.table(asked.held.sql)}) AS texts", parameters
    where = f"{asked.held.sql} AND {text.condition}"
    return f"SELECT count(*) AS found FROM views.vault WHERE {where}", parameters


def fits_statement(asked: Asked, how: How) -> tuple[str, dict[str, Any]]:
    """`fits`: whether any row's text fits, beside the filters and the nearest sounds."""
    text, near, among = text_match(list(asked.words), how), "", None
    parameters = asked.held.parameters | text.parameters
    if asked.sound:
        near = _tables(replace(asked, words=(), meaning=None), None)
        among, parameters = asked.sound.table, parameters | asked.sound.parameters
    one = f"SELECT {text.found(asked.held.sql, among)} LIMIT 1"
    return f"{near} SELECT count(*) > 0 AS fits FROM ({one}) AS one", parameters


def breadth_statement(asked: Asked) -> tuple[str, dict[str, Any]]:
    """`fitting`: how many of the newest rows the words and filters fit; a look, no count."""
    text = text_match(list(asked.words), "exact")
    return (
        "SELECT count(*) AS fitting FROM (SELECT * FROM views.vault"
        " WHERE workspace_id = %(workspace_id)s ORDER BY asset_id DESC"
        f" LIMIT {LOOKED_AT}) AS newest WHERE {asked.held.sql} AND {text.condition}",
        asked.held.parameters | text.parameters,
    )


def few_statement(asked: Asked) -> tuple[str, dict[str, Any]]:
    """`few`: whether so few rows fulfil the filters that all of them may be compared."""
    return (
        f"SELECT count(*) <= {FEW} AS few FROM"
        f" (SELECT FROM views.vault WHERE {asked.held.sql} LIMIT {FEW + 1}) AS fitting",
        asked.held.parameters,
    )


def _tables(asked: Asked, text: TextMatch | None) -> str:
    tables = [
        f"{near.table} AS MATERIALIZED ({near.candidates(asked.held.sql, few=asked.few)})"
        for near in asked.near
    ]
    if text:
        # Once, for its score stands in several places of what follows.
        among = asked.sound.table if asked.sound else None
        tables.append(f"texts AS MATERIALIZED ({text.table(asked.held.sql, among)})")
    if text and asked.meaning:
        near = asked.meaning.table
        tables.append(
            f"hits AS (SELECT asset_id, max(text_score) AS text_score, max({near}_closeness)"
            f" AS {near}_closeness FROM (SELECT asset_id, text_score, NULL::numeric AS"
            f" {near}_closeness FROM texts UNION ALL SELECT asset_id, NULL, {near}_closeness"
            f" FROM {near}) AS either GROUP BY asset_id)"
        )
    return f"WITH {', '.join(tables)}" if tables else ""


def _source(asked: Asked, text: TextMatch | None) -> str:
    source = "views.vault AS vault"
    if text:
        source += f" JOIN {'hits' if asked.meaning else 'texts'} USING (asset_id)"
    if asked.sound:
        source += f" JOIN {asked.sound.table} USING (asset_id)"
    return source


def _columns(asked: Asked, text: TextMatch | None) -> str:
    worth = "coalesce(text_score, 0)" if text else "0::numeric"
    terms = [worth, *(f"coalesce({near.table}_closeness, 0)" for near in asked.near)]
    if asked.held.tempo_bpm:
        bpm = asked.held.tempo_bpm
        off = f"abs(effective_tempo_bpm - {bpm}) / {bpm * TEMPO_REACH}"
        terms.append(f"({TEMPO_WEIGHT} * greatest(0, 1 - coalesce({off}, 1)))::numeric")
    shown = ["vault.*", f"round({' + '.join(terms)}, 6) AS score", f"{worth} AS text_score"]
    return ", ".join((*shown, *(f"{near.table}_closeness" for near in asked.near)))


def _newest_first(
    asked: Asked, text: TextMatch, after: After | None, parameters: dict[str, Any]
) -> str:
    """The title itself first, then all that fits, newest first, by an index that stops early."""
    branches = []
    for worth, title in ((1, "title_sort = %(phrase)s"), (0, "title_sort <> %(phrase)s")):
        keyset = "true"
        if after is not None:
            parameters["after_id"] = after.asset_id
            # No row of both: the index could not begin behind it, and would read all before it.
            behind = worth - int(after.sort_key or 0)
            keyset = "asset_id < %(after_id)s" if behind == 0 else str(behind < 0)
        branches.append(
            f"(SELECT *, {worth}::numeric AS score, 1 AS text_score FROM views.vault"
            f" WHERE {asked.held.sql} AND {title} AND {text.condition} AND {keyset}"
            " ORDER BY asset_id DESC LIMIT %(rows)s)"
        )
    return (
        f"SELECT *, score::text AS sort_key FROM ({' UNION ALL '.join(branches)}) AS found"
        " ORDER BY score DESC, asset_id DESC LIMIT %(rows)s"
    )


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
