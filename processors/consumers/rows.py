"""One table's changes of a batch: merged per row in memory, written with one statement per set of
columns.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from processors.consumers.consumer import Connection
from processors.consumers.gathering import Gathering, Key
from processors.consumers.merging import Way, Ways
from processors.consumers.views import columns_of
from schemas.text import storable

# The columns that are set, and those that merge.
_Columns = tuple[tuple[str, ...], tuple[str, ...]]
_NOTHING: dict[str, Any] = {}
# Matches too much: also spelled-out escapes and whole surrogate pairs, which stay as they were.
_MAYBE_REFUSED = re.compile(r"\\u(?:0000|d[89a-f])")


class TableRows(Gathering):
    """One table's rows. A row may be made by any of its events, so every column outside the key
    needs a default or allows null.
    """

    def __init__(
        self, schema: str, table: str, key: tuple[str, ...], ways: Ways | None = None
    ) -> None:
        super().__init__(key, ways or Ways())
        self._table = (schema, table)

    def flush(self, connection: Connection) -> None:
        """Raises OrderWouldMatter where a column is set that another event adds to or compares."""
        whole = self.gathered()
        for width, starts in whole.deleted.items():
            self._delete(connection, self._key[:width], list(starts))
        changed, merged = whole.changed, whole.merged
        by_columns: dict[_Columns, list[dict[str, Any]]] = defaultdict(list)
        # In key order: two workers that meet in a table lock its rows the same way round.
        in_order = sorted(whole.rows(), key=lambda row: tuple(map(str, row)))
        for row in in_order:
            columns = changed.get(row, _NOTHING)
            record = dict(zip(self._key, row, strict=True)) | columns
            merging: tuple[str, ...] = ()
            if merged and (values := merged.get(row)):
                record |= values
                merging = tuple(sorted(values))
            by_columns[tuple(sorted(columns)), merging].append(record)
        if self._ways.merging and len(by_columns) > 1:
            self._lock(connection, in_order)
        for (names, merging), records in by_columns.items():
            for name in names:
                self._ways.claim(name, None)
            self._check(connection, merging)
            merges = tuple((name, self._ways[name]) for name in merging)
            statement = _upsert(self._table, self._key, names, merges)
            connection.execute(statement, (_json(records),))

    def _check(self, connection: Connection, merging: tuple[str, ...]) -> None:
        """Looks at each column once."""
        if names := self._ways.unchecked(self._table, merging):
            for name, type_, default in columns_of(connection, *self._table, names):
                self._ways.check(self._table, name, type_, default)

    def _lock(self, connection: Connection, rows: list[Key]) -> None:
        """Makes and locks these rows in key order. Workers share the rows that merge, and several
        statements are in key order only each for itself.
        """
        records = [dict(zip(self._key, row, strict=True)) for row in rows]
        connection.execute(_lock(self._table, self._key), (_json(records),))

    def _delete(self, connection: Connection, key: tuple[str, ...], starts: list[Key]) -> None:
        records = [dict(zip(key, start, strict=True)) for start in starts]
        connection.execute(_delete(self._table, key), (_json(records),))


# Kept: a view has some ten of them, and would compose them anew for every batch.
@lru_cache(maxsize=1_024)
def _upsert(
    table: tuple[str, str],
    key: tuple[str, ...],
    names: tuple[str, ...],
    merges: tuple[tuple[str, Way], ...],
) -> sql.SQL:
    values = {name: "EXCLUDED.{0}" for name in names} | {name: way.sql for name, way in merges}
    changes = sql.SQL(", ").join(
        sql.SQL(f"{{0}} = {value}").format(sql.Identifier(name)) for name, value in values.items()
    )
    action = sql.SQL("UPDATE SET {}").format(changes) if values else sql.SQL("NOTHING")
    return _insert(table, key, (*key, *values), action)


@lru_cache(maxsize=1_024)
def _lock(table: tuple[str, str], key: tuple[str, ...]) -> sql.SQL:
    """Rows for which WHERE is false are locked and stay as they are."""
    name = sql.Identifier(key[0])
    action = sql.SQL("UPDATE SET {0} = EXCLUDED.{0} WHERE false").format(name)
    return _insert(table, key, key, action)


def _insert(
    table: tuple[str, str], key: tuple[str, ...], names: tuple[str, ...], action: sql.Composable
) -> sql.SQL:
    return _text(
        sql.SQL(
            "INSERT INTO {table} AS t ({columns})"
            " SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)"
            " ON CONFLICT ({key}) DO {action}"
        ).format(
            table=sql.Identifier(*table),
            columns=_names(names),
            key=_names(key),
            action=action,
        )
    )


@lru_cache(maxsize=1_024)
def _delete(table: tuple[str, str], key: tuple[str, ...]) -> sql.SQL:
    """Deletes the rows whose key begins so."""
    matches = sql.SQL(" AND ").join(
        sql.SQL("t.{0} = gone.{0}").format(sql.Identifier(name)) for name in key
    )
    return _text(
        sql.SQL(
            "DELETE FROM {table} t USING jsonb_populate_recordset(NULL::{table}, %s) gone"
            " WHERE {matches}"
        ).format(table=sql.Identifier(*table), matches=matches)
    )


def _text(composed: sql.Composed) -> sql.SQL:
    return sql.SQL(composed.as_string(None))


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _json(records: list[dict[str, Any]]) -> Jsonb:
    return Jsonb(records, dumps=_dumps)


def _dumps(records: list[dict[str, Any]]) -> str:
    """As JSON that Postgres takes: an event of any age may hold a text with U+0000, or half of a
    surrogate pair, and its stream must not stop a view.
    """
    text = json.dumps(records, default=_plain, allow_nan=False)
    if not _MAYBE_REFUSED.search(text):
        return text
    # Read back: what `_plain` made of a value is looked at too.
    return json.dumps(storable(json.loads(text)))


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return "\\x" + value.hex()
        case set() | frozenset():
            return sorted(value)
        case _ if hasattr(value, "model_dump"):
            return value.model_dump(mode="json")
    raise TypeError(f"a column cannot hold a {type(value).__name__}")
