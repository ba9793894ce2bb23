"""The one way to the read models' tables: rows as dicts, one short transaction a question."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from psycopg import errors
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from read_api.errors import ViewNotReady

Row = dict[str, Any]
ATTEMPTS = 3
# No view yet, or one of an earlier version; or a rebuild swapped it under us, maybe with other
# columns.
_SWAPPED = (
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedTable,
    errors.InvalidSchemaName,
    errors.InternalError_,
    errors.FeatureNotSupported,
)


class Views:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def rows(
        self,
        statement: str,
        parameters: Mapping[str, Any],
        settings: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """All rows; `settings` hold for this statement only. Raises ViewNotReady (503)."""
        for _ in range(ATTEMPTS):
            try:
                return self._read(statement, parameters, settings or {})
            except _SWAPPED as error:
                swapped = error
        raise ViewNotReady from swapped

    def _read(
        self, statement: str, parameters: Mapping[str, Any], settings: Mapping[str, str]
    ) -> list[Row]:
        with self._pool.connection() as connection, ExitStack() as stack:
            if settings:
                stack.enter_context(connection.transaction())
                each = ", ".join(["set_config(%s, %s, true)"] * len(settings))
                said = [text for setting in settings.items() for text in setting]
                connection.execute(f"SELECT {each}".encode(), said)
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(statement, parameters).fetchall()

    def row(self, statement: str, parameters: Mapping[str, Any]) -> Row | None:
        return next(iter(self.rows(statement, parameters)), None)
