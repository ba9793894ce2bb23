"""Where a projection's table lives: each build in a schema of its own, readers use the view
`views.<name>`.
"""

from __future__ import annotations

from psycopg import sql

from processors.consumers.consumer import Connection
from projections.projection import Projection


def schema_of(name: str, version: int, build: int) -> str:
    return f"view_{name}_{version}_{build}"


def create_build(connection: Connection, projection: Projection, build: int) -> str:
    """Make the build's schema and table; answers the schema."""
    schema = schema_of(projection.name, projection.version, build)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    table = projection.table_sql.replace("{schema}", schema)
    connection.execute(table.encode())
    return schema


def publish(connection: Connection, name: str, schema: str) -> None:
    """Point `views.<name>` at this build. Not OR REPLACE: another version may have other
    columns.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS views")
    view = sql.Identifier("views", name)
    connection.execute(sql.SQL("DROP VIEW IF EXISTS {}").format(view))
    connection.execute(
        sql.SQL("CREATE VIEW {} AS SELECT * FROM {}").format(view, sql.Identifier(schema, name))
    )


def drop_builds(connection: Connection, name: str, keep: str) -> None:
    """Schemas of other builds: replaced ones, and what an interrupted rebuild left."""
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname ~ %s AND nspname <> %s",
        (f"^view_{name}_[0-9]+_[0-9]+$", keep),
    ).fetchall()
    for (schema,) in rows:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


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
