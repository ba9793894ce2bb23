"""The logins of the embedded cluster. Its superuser makes them anew at every start, with their
passwords and settings: what a role has changed of itself lasts until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from runtime.rights import APP_ROLE, OWNER_ROLE, READER_ROLE, RELAY_ROLE, WORKER_ROLE

Connection = psycopg.Connection[Any]
ADMIN_ROLE = "noculture_admin"
BACKUP_ROLE = "noculture_backup"
# Lives for one statement of the upgrade: nobody can rename themselves.
UPGRADE_ROLE = "noculture_upgrade"
_NOTHING = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


@dataclass(frozen=True, slots=True)
class Login:
    attributes: str = _NOTHING
    settings: Mapping[str, str] = field(default_factory=dict)


LOGINS = {
    OWNER_ROLE: Login(),
    APP_ROLE: Login(),
    WORKER_ROLE: Login(),
    RELAY_ROLE: Login(),
    # It has nothing to write with; the settings keep an honest question from holding up the rest.
    READER_ROLE: Login(
        f"{_NOTHING} CONNECTION LIMIT 20",
        {
            "default_transaction_read_only": "on",
            "statement_timeout": "60s",
            "idle_in_transaction_session_timeout": "60s",
        },
    ),
    BACKUP_ROLE: Login(_NOTHING.replace("NOREPLICATION", "REPLICATION")),
}
# The extension is not marked as trusted: the owner of a database may not make it.
_UNTRUSTED_EXTENSION = "CREATE EXTENSION IF NOT EXISTS vector SCHEMA public"
# The owner makes schemas for the worker, and hands over what was the application's.
OWNER_IS_MEMBER_OF = (APP_ROLE, WORKER_ROLE)

# Everything of this database that is not the system's, nor an extension's, and not its owner's yet.
_FOREIGN_OBJECTS = """
WITH own AS (
    SELECT 'pg_namespace'::regclass AS class, n.oid, 'SCHEMA' AS kind,
           format('%%I', n.nspname) AS name, n.nspowner AS owner
    FROM pg_namespace n WHERE n.nspname !~ '^pg_(temp|toast)'
    UNION ALL
    SELECT 'pg_class', c.oid,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
           c.oid::regclass::text, c.relowner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    -- A sequence of a column goes with its table.
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c') AND n.nspname !~ '^pg_(temp|toast)'
      AND NOT (c.relkind = 'S' AND EXISTS (
          SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
             AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT 'pg_proc', p.oid, 'ROUTINE', p.oid::regprocedure::text, p.proowner FROM pg_proc p
    UNION ALL
    SELECT 'pg_type', t.oid, 'TYPE', t.oid::regtype::text, t.typowner
    FROM pg_type t WHERE t.typtype IN ('d', 'e')
    UNION ALL
    SELECT 'pg_statistic_ext', s.oid, 'STATISTICS',
           format('%%I.%%I', s.stxnamespace::regnamespace, s.stxname), s.stxowner
    FROM pg_statistic_ext s
)
SELECT format('ALTER %%s %%s OWNER TO %%I', kind, name, %(owner)s::text) FROM own
WHERE oid >= 16384 AND owner = 'noculture_admin'::regrole AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = own.class AND d.objid = own.oid AND d.deptype = 'e')
"""
# What everybody may call in every database, though it keeps others waiting for ever or fills the
# disk: advisory locks (one of them is the log's), large objects, messages in the write-ahead log.
_CLOSED_FUNCTIONS = """
SELECT format('REVOKE EXECUTE ON FUNCTION %%s FROM PUBLIC; '
              'GRANT EXECUTE ON FUNCTION %%s TO %%I WITH GRANT OPTION',
              oid::regprocedure, oid::regprocedure, %(owner)s::text)
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND (proname ~ '^pg_(try_)?advisory_' OR proname ~ '^(lo_|lowrite$|lo_?import|lo_?export)'
       OR proname = 'pg_logical_emit_message')
  AND has_function_privilege('public', oid, 'EXECUTE')
"""


def rename_superuser(old_url: str, upgrade_url: str, password: str) -> None:
    """Renames the superuser of an older cluster, who was its owner, to the admin. A third role
    does it, which the next start drops. Safe to repeat after a crash.

    `old_url` is the superuser's as it was, `upgrade_url` that of UPGRADE_ROLE, `password` the
    admin's.
    """
    with psycopg.connect(old_url, autocommit=True) as old:
        if not _is_there(old, UPGRADE_ROLE):
            old.execute(_of("CREATE ROLE {} NOLOGIN", UPGRADE_ROLE))
        _set(old, UPGRADE_ROLE, "SUPERUSER LOGIN", password)
    with psycopg.connect(upgrade_url) as third:
        third.execute(_of("ALTER ROLE {} RENAME TO {}", OWNER_ROLE, ADMIN_ROLE))
        _set(third, ADMIN_ROLE, "SUPERUSER LOGIN", password)


def ensure_logins(admin: Connection, password_of: Callable[[str], str]) -> None:
    """Makes every login what it should be, whatever it was."""
    with admin.transaction():
        admin.execute(_of("DROP ROLE IF EXISTS {}", UPGRADE_ROLE))
        for name, login in LOGINS.items():
            if not _is_there(admin, name):
                admin.execute(_of("CREATE ROLE {}", name))
            _set(admin, name, f"LOGIN {login.attributes}", password_of(name))
            admin.execute(_of("ALTER ROLE {} RESET ALL", name))
            for setting, value in login.settings.items():
                admin.execute(
                    sql.SQL("ALTER ROLE {} SET {} = {}").format(
                        sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
                    )
                )
        for name in OWNER_IS_MEMBER_OF:
            admin.execute(_of("GRANT {} TO {} WITH INHERIT TRUE, SET TRUE", name, OWNER_ROLE))


def ensure_database(admin: Connection, name: str, template: str | None = None) -> None:
    """Makes the database if need be, the owner's and closed. `admin` may be on any other."""
    row = admin.execute(
        "SELECT datdba::regrole::text FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    if row is None:
        copied = _of(" TEMPLATE {}", template) if template else sql.SQL("")
        admin.execute(_of("CREATE DATABASE {} OWNER {}", name, OWNER_ROLE) + copied)
    elif row[0] != OWNER_ROLE:
        admin.execute(_of("ALTER DATABASE {} OWNER TO {}", name, OWNER_ROLE))
    for each in (name, "postgres", "template1"):
        admin.execute(_of("REVOKE ALL ON DATABASE {} FROM PUBLIC", each))


def close_database(admin: Connection) -> None:
    """Gives the database that `admin` is on to its owner: its objects, and the functions that
    everybody might call to harm others. Does nothing where all is well.
    """
    with admin.transaction():
        admin.execute(_UNTRUSTED_EXTENSION.encode())
        for query in (_FOREIGN_OBJECTS, _CLOSED_FUNCTIONS):
            for (statement,) in admin.execute(query.encode(), {"owner": OWNER_ROLE}).fetchall():
                admin.execute(statement)


def is_superuser(connection: Connection) -> bool:
    return connection.info.parameter_status("is_superuser") == "on"


def set_password(admin: Connection, role: str, password: str) -> None:
    """Sessions that are open stay; the next sign-in takes the new one."""
    _set(admin, role, "LOGIN", password)


def _set(connection: Connection, role: str, attributes: str, password: str) -> None:
    """The password as its verifier: a statement may come into the server's log."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} WITH {} PASSWORD {}").format(
            sql.Identifier(role),
            sql.SQL(attributes),
            sql.Literal(verifier),
        )
    )


def _is_there(connection: Connection, role: str) -> bool:
    found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role])
    return found.rowcount > 0


def _of(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
