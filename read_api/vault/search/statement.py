"""One page of the vault as SQL: filters, text, nearest by vector, ranking, keyset paging.

The ranking is a sum, so that a row's place needs no other row's: how far the whole question is the
row's name (0 to 60, in steps of ten or more), + its words in the text (0 to 1.5), + what a guess of
mood or genre adds, + closeness of meaning (0 to 1), + closeness of sound (0 to 1), + half a point
for the tempo that was asked for, less the farther away it is. Ties go to the newer one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from read_api.vault.search.conditions import Conditions
from read_api.vault.search.nearest import FEW, Nearest
from read_api.vault.search.texts import How, Named, TextMatch, text_match

# sort name → (column, its type); only _NULLABLE ones can be absent in a row that is seen
_SORTS = {
    "uploaded_at": ("uploaded_at", "timestamptz"),
    "title": ("title_sort", "text"),
    "tempo": ("effective_tempo_bpm", "double precision"),
    "duration": ("duration_s", "double precision"),
    "rating": ("rating", "integer"),
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
class SearchPlan:
    """All that decides which rows are shown, in which order.

    A row fulfils `base` (the parameters), and either `held` (`base` and the chips) with its
    `words`, or, whatever the chips say, it has the whole question in its text (`verbatim`).
    `words` are folded. A question of signs has neither words nor chips (`signs`).
    `folded` shows the first row of each song only.
    """

    base: Conditions
    held: Conditions
    order: str
    words: tuple[str, ...] = ()
    named: Named | None = None
    verbatim: TextMatch | None = None
    meaning: Nearest | None = None
    sound: Nearest | None = None
    few: bool = True
    signs: bool = False
    folded: bool = False

    @property
    def ranked(self) -> str:
        """The order; relevance only where something tells one row from another."""
        ranks = self.named or self.sound or self.held.tempo_bpm is not None
        return self.order if ranks or self.order != "relevance" else "-uploaded_at"

    @property
    def near(self) -> tuple[Nearest, ...]:
        return tuple(each for each in (self.meaning, self.sound) if each)


@dataclass(frozen=True, slots=True)
class Branch:
    """Rows of the vault that are in an answer: what they fulfil, and what their text is worth."""

    where: str
    score: str


def branches(asked: SearchPlan, text: TextMatch | None) -> list[Branch]:
    """Each row is in one of them at most, and each is planned alone: an OR of them would be asked
    of row after row."""
    if text is not None and text.apart:
        return [Branch(asked.held.sql, text.score)]
    worth = asked.named.score if asked.named else "0"
    verbatim, said = asked.verbatim, asked.held.said
    found, others = [], ""
    if verbatim:
        typed = f"{asked.base.sql} AND {verbatim.condition}"
        found.append(Branch(typed, f"{worth} + {verbatim.score}"))
        # A row without all of the words is not called so: it gets no worth of a name.
        others, worth = f" AND {verbatim.condition} IS NOT TRUE", "0"
    if not asked.signs:
        words = f" AND {text.condition}" if text else ""
        score = f"{worth} + {text.score}" if text else worth
        read = [asked.held.sql, *([said] if said else [])]
        found += [Branch(f"{each}{words}{others}", score) for each in read]
    return found


def page_statement(
    asked: SearchPlan, how: How, after: After | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """(statement, parameters) for `limit + 1` rows: vault columns, `score`, `text_score`,
    closeness to what was asked for, and `sort_key`."""
    text = _text(asked, how)
    parameters = {**_parameters(asked, text), "rows": limit + 1}
    for near in asked.near:
        parameters |= near.parameters
    if how == "broad" and text and asked.ranked == "relevance" and not asked.folded:
        return _newest_first(asked, text, after, parameters), parameters
    column, type_ = _SORTS[asked.ranked.lstrip("-")]
    descending = asked.ranked.startswith("-") or asked.ranked == "relevance"
    keyset = _keyset(column, type_, descending, after, parameters)
    direction = "DESC" if descending else "ASC"
    # NULLS LAST keeps an index from being read backwards.
    nulls = " NULLS LAST" if column in _NULLABLE else ""
    found = _found(asked, text, column)
    if asked.folded:
        found = (
            f"SELECT DISTINCT ON (song) * FROM ({found}) AS each"
            f" ORDER BY song, {column} {direction}{nulls}, asset_id {direction}"
        )
    # Whole rows only of the page: ordering thousands of them took half of the time.
    page = (
        f"SELECT *, {column} AS ordered FROM ({found}) AS found"
        f" WHERE {keyset} ORDER BY {column} {direction}{nulls}, asset_id {direction}"
        " LIMIT %(rows)s"
    )
    return (
        f"{_tables(asked, text)} SELECT vault.*, page.*, ordered::text AS sort_key"
        f" FROM ({page}) AS page JOIN views.vault AS vault USING (asset_id)"
        f" ORDER BY ordered {direction}{nulls}, page.asset_id {direction}",
        parameters,
    )


def count_statement(asked: SearchPlan, how: How) -> tuple[str, dict[str, Any]]:
    """How many rows there are in all, those that only mean the same apart."""
    text = _text(asked, how)
    if text is None or not text.apart:
        counted = [
            f"(SELECT count(*) FROM views.vault WHERE {branch.where})"
            for branch in branches(asked, text)
        ]
        return f"SELECT {' + '.join(counted)} AS found", _parameters(asked, text)
    return f"SELECT count(*) AS found FROM ({_texts(asked, text)}) AS texts", _parameters(
        asked, text
    )


def fits_statement(asked: SearchPlan, how: How) -> tuple[str, dict[str, Any]]:
    """`fits`: whether any row's text fits, beside the filters and the nearest sounds."""
    text, near, among = text_match(list(asked.words), how), "", None
    parameters = _parameters(asked, text)
    if asked.sound:
        near = _tables(replace(asked, words=(), meaning=None), None)
        among, parameters = asked.sound.table, parameters | asked.sound.parameters
    one = [f"EXISTS (SELECT {text.found(branch.where, among)})" for branch in branches(asked, text)]
    return f"{near} SELECT {' OR '.join(one)} AS fits", parameters


def breadth_statement(asked: SearchPlan) -> tuple[str, dict[str, Any]]:
    """`fitting`: how many of the newest rows the words and filters fit; a look, no count."""
    text = text_match(list(asked.words), "exact")
    fits = " OR ".join(f"({branch.where})" for branch in branches(asked, text))
    return (
        "SELECT count(*) AS fitting FROM (SELECT * FROM views.vault"
        " WHERE workspace_id = %(workspace_id)s ORDER BY asset_id DESC"
        f" LIMIT {LOOKED_AT}) AS newest WHERE {fits}",
        _parameters(asked, text),
    )


def few_statement(asked: SearchPlan) -> tuple[str, dict[str, Any]]:
    """`few`: whether so few rows fulfil the filters that all of them may be compared."""
    return (
        f"SELECT count(*) <= {FEW} AS few FROM"
        f" (SELECT FROM views.vault WHERE {asked.held.sql} LIMIT {FEW + 1}) AS fitting",
        asked.held.parameters,
    )


def _text(asked: SearchPlan, how: How) -> TextMatch | None:
    return text_match(list(asked.words), how) if asked.words else None


def _parameters(asked: SearchPlan, text: TextMatch | None) -> dict[str, Any]:
    parameters = dict(asked.held.parameters)
    for more in (text, asked.named, asked.verbatim):
        parameters |= more.parameters if more else {}
    return parameters


def _texts(asked: SearchPlan, text: TextMatch) -> str:
    """The body of the common table of rows whose text fits: (asset_id, text_score)."""
    among = asked.sound.table if asked.sound else None
    return " UNION ALL ".join(
        f"({text.table(branch.where, branch.score, among)})" for branch in branches(asked, text)
    )


def _tables(asked: SearchPlan, text: TextMatch | None) -> str:
    tables = [
        f"{near.table} AS MATERIALIZED ({near.candidates(asked.held.sql, few=asked.few)})"
        for near in asked.near
    ]
    if text:
        # Materialized, because several places of what follows use its score.
        tables.append(f"texts AS MATERIALIZED ({_texts(asked, text)})")
    if text and asked.meaning:
        near = asked.meaning.table
        tables.append(
            f"hits AS (SELECT asset_id, max(text_score) AS text_score, max({near}_closeness)"
            f" AS {near}_closeness FROM (SELECT asset_id, text_score, NULL::numeric AS"
            f" {near}_closeness FROM texts UNION ALL SELECT asset_id, NULL, {near}_closeness"
            f" FROM {near}) AS either GROUP BY asset_id)"
        )
    return f"WITH {', '.join(tables)}" if tables else ""


def _found(asked: SearchPlan, text: TextMatch | None, column: str) -> str:
    """All rows that are shown, with what orders them."""
    source = _source(asked, text)
    if text:
        columns = _columns(asked, "coalesce(text_score, 0)", column)
        return f"SELECT {columns} FROM {source} WHERE {asked.base.sql}"
    every = []
    for branch in branches(asked, None):
        columns = _columns(asked, f"({branch.score})::numeric", column)
        every.append(f"SELECT {columns} FROM {source} WHERE {branch.where}")
    return " UNION ALL ".join(every)


def _source(asked: SearchPlan, text: TextMatch | None) -> str:
    source = "views.vault AS vault"
    if text:
        source += f" JOIN {'hits' if asked.meaning else 'texts'} USING (asset_id)"
    if asked.sound:
        source += f" JOIN {asked.sound.table} USING (asset_id)"
    return source


def _columns(asked: SearchPlan, worth: str, column: str) -> str:
    terms = [
        *(worth, *asked.held.worth),
        *(f"coalesce({near.table}_closeness, 0)" for near in asked.near),
    ]
    if asked.held.tempo_bpm:
        bpm = asked.held.tempo_bpm
        off = f"abs(effective_tempo_bpm - {bpm}) / {bpm * TEMPO_REACH}"
        terms.append(f"({TEMPO_WEIGHT} * greatest(0, 1 - coalesce({off}, 1)))::numeric")
    ranks = [f"round({' + '.join(terms)}, 6) AS score", f"{worth} AS text_score"]
    ordered = [column] if column != "score" else []
    ordered += ["vault.song"] if asked.folded else []
    return ", ".join(
        ("vault.asset_id", *ordered, *ranks, *(f"{near.table}_closeness" for near in asked.near))
    )


def _newest_first(
    asked: SearchPlan, text: TextMatch, after: After | None, parameters: dict[str, Any]
) -> str:
    """Reads what is called so, then all that fits, newest first, by an index that stops early."""
    named = asked.named
    assert named is not None
    score: float = 1
    keyset, behind = "true", "true"
    if after is not None:
        score = float(after.sort_key or 0)
        parameters |= {"after_id": after.asset_id, "after_score": score}
        keyset = "(score, asset_id) < (%(after_score)s::numeric, %(after_id)s)"
        behind = "asset_id < %(after_id)s"
    fits = " OR ".join(f"({branch.where})" for branch in branches(asked, text))
    called = (
        f"(SELECT * FROM (SELECT *, (1 + {named.closeness})::numeric AS score, 1 AS text_score"
        f" FROM views.vault WHERE {asked.base.sql} AND {named.exactly}) AS named WHERE {keyset}"
        " ORDER BY score DESC, asset_id DESC LIMIT %(rows)s)"
    )
    # coalesce: no index of texts, which would gather everything that fits.
    others = (
        "(SELECT *, 0::numeric AS score, 1 AS text_score FROM views.vault"
        f" WHERE workspace_id = %(workspace_id)s AND coalesce({fits}, false)"
        f" AND NOT {named.called} AND {behind if not score else 'true'}"
        " ORDER BY asset_id DESC LIMIT %(rows)s)"
    )
    both = others if not score else f"{called} UNION ALL {others}"
    return (
        f"SELECT *, score::text AS sort_key FROM ({both}) AS found"
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
