"""Where a projection's table lives: each build in a schema of its own, readers use the view
`views.<name>`.
"""

from __future__ import annotations

from typing import Literal

import psycopg
from psycopg import sql

from processors.consumers.consumer import Connection
from projections.projection import Projection

BuildState = Literal["making", "kept"]


def schema_of(name: str, version: int, build: int) -> str:
    return f"view_{name}_{version}_{build}"


def create_build(connection: Connection, projection: Projection, build: int) -> str:
    """Make the build's schema and table; answers the schema."""
    schema = schema_of(projection.name, projection.version, build)
    connection.execute("SELECT make_view_schema(%s)", (schema,))
    table = projection.table_sql.replace("{schema}", schema)
    connection.execute(table.encode())
    return schema


def publish(connection: Connection, name: str, schema: str) -> None:
    """Point `views.<name>` at this build. Not OR REPLACE: another version may have other
    columns.
    """
    connection.execute("SELECT make_view_schema('views')")
    view = sql.Identifier("views", name)
    connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
    connection.execute(
        sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(view, sql.Identifier(schema, name))
    )


def drop_builds(connection: Connection, name: str, *states: BuildState) -> int:
    """The builds beside the live one, rows and schemas; how many there were."""
    rows = connection.execute(
        "DELETE FROM builds WHERE consumer = %s AND state = ANY (%s) RETURNING version, build",
        (name, list(states)),
    ).fetchall()
    for version, build in rows:
        schema = sql.Identifier(schema_of(name, version, build))
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    return len(rows)


def is_there(connection: Connection, name: str, schema: str) -> bool:
    """False when somebody dropped the build's table, or its schema."""
    table = sql.Identifier(schema, name).as_string(connection)
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def analyse(connection: Connection, schema: str, table: str) -> None:
    """A table that was just filled has no statistics yet: its first readers would scan it."""
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


def same_bytes(connection: Connection, table: str, one: str, other: str) -> bool:
    """Whether two builds hold the same rows; `*=` compares a record's bytes."""
    keys = sql.SQL(", ").join(map(sql.Identifier, key_columns(connection, one, table)))
    statement = sql.SQL(
        "SELECT FROM {} one FULL JOIN {} other USING ({}) WHERE (one *= other) IS NOT TRUE LIMIT 1"
    ).format(sql.Identifier(one, table), sql.Identifier(other, table), keys)
    try:
        with connection.transaction():
            return connection.execute(statement).rowcount == 0
    except psycopg.errors.DatatypeMismatch:
        # Somebody gave the table other columns without another version.
        return False


def key_columns(connection: Connection, schema: str, table: str) -> tuple[str, ...]:
    """The primary key's columns in the key's order."""
    rows = connection.execute(
        "SELECT a.attname FROM pg_index i"
        " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)"
        " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number"
        " WHERE i.indisprimary AND i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass"
        " ORDER BY k.place",
        (schema, table),
    ).fetchall()
    if not rows:
        raise LookupError(f"the table of {table} has no primary key: its file must name one")
    return tuple(name for (name,) in rows)


def columns_of(
    connection: Connection, schema: str, table: str, names: list[str]
) -> list[tuple[str, str, str | None]]:
    """(name, type, default) of those columns."""
    return connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)"
        " FROM pg_attribute a"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass"
        " AND a.attname = ANY (%s)",
        (schema, table, names),
    ).fetchall()
