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
from schemas.text import storable

Key = tuple[Any, ...]
# Matches too much: also spelled-out escapes and whole surrogate pairs, which stay as they were.
_MAYBE_REFUSED = re.compile(r"\\u(?:0000|d[89a-f])")


class TableRows:
    """`Rows` of `projections/projection.py` for one table; `key` names its primary key's columns in
    order.

    A row may be made by any of its events, so every other column needs a default or allows null.
    """

    def __init__(self, schema: str, table: str, key: tuple[str, ...]) -> None:
        self._table = (schema, table)
        self._key = key
        self._deleted: dict[Key, None] = {}
        self._changed: dict[Key, dict[str, Any]] = {}

    def upsert(self, key: str | int | Key, **columns: Any) -> None:
        self._changed.setdefault(self._as_key(key), {}).update(columns)

    def delete(self, key: str | int | Key) -> None:
        row = self._as_key(key)
        self._changed.pop(row, None)
        self._deleted[row] = None

    def flush(self, connection: Connection) -> None:
        """Deletes first: what was set after a delete is in `_changed`, what was set before is gone
        from it.
        """
        if self._deleted:
            self._delete(connection, list(self._deleted))
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        # In key order: two workers that meet in a table lock its rows the same way round.
        for row in sorted(self._changed, key=lambda row: tuple(map(str, row))):
            columns = self._changed[row]
            by_columns[tuple(sorted(columns))].append(
                dict(zip(self._key, row, strict=True)) | columns
            )
        for names, records in by_columns.items():
            self._upsert(connection, names, records)
        self._deleted, self._changed = {}, {}

    def _as_key(self, key: str | int | Key) -> Key:
        row = key if isinstance(key, tuple) else (key,)
        if len(row) != len(self._key):
            raise ValueError(f"the key is {self._key}, not {row}")
        return row

    def _upsert(
        self, connection: Connection, names: tuple[str, ...], records: list[dict[str, Any]]
    ) -> None:
        connection.execute(_upsert(self._table, self._key, names), (_json(records),))

    def _delete(self, connection: Connection, rows: list[Key]) -> None:
        records = [dict(zip(self._key, row, strict=True)) for row in rows]
        connection.execute(_delete(self._table, self._key), (_json(records),))


# Kept: a view has some ten of them, and would compose them anew for every batch.
@lru_cache(maxsize=1_024)
def _upsert(table: tuple[str, str], key: tuple[str, ...], names: tuple[str, ...]) -> sql.SQL:
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in names
    )
    action = sql.SQL("UPDATE SET {}").format(changes) if names else sql.SQL("NOTHING")
    return _text(
        sql.SQL(
            "INSERT INTO {table} ({columns})"
            " SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)"
            " ON CONFLICT ({key}) DO {action}"
        ).format(
            table=sql.Identifier(*table),
            columns=_names((*key, *names)),
            key=_names(key),
            action=action,
        )
    )


@lru_cache(maxsize=1_024)
def _delete(table: tuple[str, str], key: tuple[str, ...]) -> sql.SQL:
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
