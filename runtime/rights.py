"""Rights of each database role on each table and function: decided here, one by one, and
granted after the migrations. A table that is not listed may be touched by its owner alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict

from events.errors import NoCultureError
from runtime.settings import Settings

Connection = psycopg.Connection[Any]
DatabaseRole = Literal["app", "worker", "relay", "reader"]

OWNER_ROLE = "noculture"
APP_ROLE = "noculture_app"
WORKER_ROLE = "noculture_worker"
RELAY_ROLE = "noculture_relay"
READER_ROLE = "noculture_reader"


@dataclass(frozen=True, slots=True)
class Roles:
    """The logins that the parts have. One login may have several parts, and then has the rights of
    all of them; `reader` is None where nobody only reads.
    """

    app: str = APP_ROLE
    worker: str = WORKER_ROLE
    relay: str = RELAY_ROLE
    reader: str | None = READER_ROLE

    @classmethod
    def of(cls, settings: Settings) -> Roles:
        """The logins that the settings name, for a database of one's own."""
        app = _user(settings.app_database_url) or APP_ROLE
        worker = _user(settings.worker_database_url) or app
        return cls(app, worker, _user(settings.relay_database_url) or worker)

    def login(self, role: DatabaseRole) -> str | None:
        return {
            "app": self.app, "worker": self.worker, "relay": self.relay, "reader": self.reader
        }[role]  # fmt: skip


class RolesNotReady(NoCultureError):
    """The database is one's own, and whoever administers it has to do something first."""

    status, code = 500, "roles-not-ready"

    def __init__(self, owner: str, role: str, missing: bool) -> None:
        made = f"CREATE ROLE {role} LOGIN PASSWORD '…'; " if missing else ""
        super().__init__(
            f"Whoever administers the database must run: {made}GRANT {role} TO {owner};"
            " docs/operations.md has all of it, under 'A database of your own'"
        )


# For each table what app, worker, relay and reader may: r reads, i inserts, u updates, d deletes.
# The log itself is written by `append_events` alone, which has its owner's rights.
TABLES: dict[str, tuple[str, str, str, str]] = {
    "events": ("r", "r", "r", "r"),
    "claims": ("r", "r", "", "r"),
    "commands": ("r", "r", "", "r"),
    "log_identity": ("r", "r", "r", "r"),
    "log_checkpoints": ("r", "ri", "", "r"),
    "log_tree": ("r", "ri", "", "r"),
    "migrations": ("r", "r", "r", "r"),
    "subject_keys": ("riu", "riu", "", ""),
    "master_key": ("ri", "riu", "", ""),
    "snapshots": ("riu", "riud", "", ""),
    "clock_advances": ("ri", "r", "r", "r"),
    # Where the readers of the log are, and what they still have to do.
    "consumers": ("r", "riud", "", "r"),
    "checkpoints": ("r", "riud", "", "r"),
    "builds": ("r", "riud", "", "r"),
    "parked_streams": ("r", "riud", "", "r"),
    "dead_letters": ("r", "riud", "", "r"),
    "relay_heads": ("r", "r", "riu", "r"),
    "relay_progress": ("r", "r", "ru", "r"),
    "records_aside": ("r", "riu", "riu", "r"),
    # The API too: an operator's hand on a saga replaces what it waits for.
    "saga_commands": ("riud", "riud", "", "r"),
    "saga_timers": ("riud", "riud", "", "r"),
    "effects": ("r", "riud", "", "r"),
    # The worker erases people, and makes the links of mails.
    "credentials_logins": ("riud", "rd", "", ""),
    "credentials_resets": ("riud", "riud", "", ""),
    "credentials_address_codes": ("riud", "riud", "", ""),
    "credentials_erasure_links": ("rd", "riud", "", ""),
    "credentials_repeats": ("riud", "", "", ""),
    "credentials_sessions": ("riud", "", "", ""),
    "credentials_keys": ("riud", "", "", ""),
    "credentials_links": ("riud", "", "", ""),
    "credentials_second_factors": ("riud", "", "", ""),
    "credentials_recovery_codes": ("riud", "", "", ""),
    "credentials_passkeys": ("riud", "", "", ""),
    "credentials_challenges": ("riud", "", "", ""),
    "uploads": ("riud", "rud", "", ""),
    "rate_limits": ("riud", "rud", "", ""),
    "failed_attempts": ("riud", "", "", ""),
}
COLUMNS: tuple[tuple[DatabaseRole, str, str], ...] = (
    # Locking the row against a rotation takes the right to update one column; this one has one
    # possible value.
    ("app", "UPDATE (only_row)", "master_key"),
    ("app", "UPDATE (due_at, leases, failures)", "effects"),
    # The reader does not learn what people called their files.
    (
        "reader",
        "SELECT (upload_id, account_id, workspace_id, size_bytes, expires_at, sha256, asset_id,"
        " duplicate, cleared)",
        "uploads",
    ),
)
FUNCTIONS: dict[str, tuple[DatabaseRole, ...]] = {
    "append_events": ("app", "worker"),
    "make_view_schema": ("worker",),
    # A trigger calls it, for which nobody needs a right.
    "refuse_closed_workspaces": (),
    "require": ("worker",),
    "search_fold": ("app", "worker", "reader"),
}
# Where whoever administers the database has taken these from everybody, the parts that need them
# have them by name. Whoever can lock may keep the log locked for ever, as who may append can.
LOCKING: tuple[DatabaseRole, ...] = ("app", "worker", "relay")
ROLES: tuple[DatabaseRole, ...] = ("app", "worker", "relay", "reader")
_PRIVILEGES = {"r": "SELECT", "i": "INSERT", "u": "UPDATE", "d": "DELETE"}


def grant_rights(owner: Connection, roles: Roles) -> None:
    """Take every right that a role has in this database, then give what is decided above: in one
    transaction, so that running parts never lack one. Raises RolesNotReady.
    """
    roles = _existing(owner, roles)
    with owner.transaction():
        for statement in (*_taken(owner, roles), *_given(owner, roles)):
            owner.execute(statement.encode())
        grant_on_database(owner, roles)
        _hand_over_views(owner, roles)


def grant_on_database(owner: Connection, roles: Roles) -> None:
    """The one right that a copy of a database does not bring along."""
    name = owner.info.dbname
    for login in _logins(roles):
        owner.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {login}'.encode())


def _existing(owner: Connection, roles: Roles) -> Roles:
    """Makes the application's role where that is allowed. The owner makes schemas for the worker
    and hands over what belonged to the application before: it must be a member of both.
    """
    here = _user_of(owner)
    for login in dict.fromkeys((roles.app, roles.worker, roles.relay)):
        if not _is_there(owner, login):
            _try(owner, f"CREATE ROLE {login} LOGIN", RolesNotReady(here, login, missing=True))
    for login in dict.fromkeys((roles.app, roles.worker)):
        if not _asks(owner, "pg_has_role(current_user, %s, 'SET')", login):
            _try(owner, f"GRANT {login} TO {here}", RolesNotReady(here, login, missing=False))
    if roles.reader and not _is_there(owner, roles.reader):
        roles = Roles(roles.app, roles.worker, roles.relay, None)
    return roles


def _taken(owner: Connection, roles: Roles) -> Iterator[str]:
    database = owner.info.dbname
    everybody = ", ".join(_logins(roles))
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {everybody}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {everybody}"
    yield f"REVOKE ALL ON SCHEMA public FROM {everybody}"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f'REVOKE ALL ON DATABASE "{database}" FROM {everybody}'
    for name in FUNCTIONS:
        yield f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC, {everybody}"
    # Columns have rights of their own, which the ones above do not take.
    columns = owner.execute(
        f"SELECT format('REVOKE ALL (%I) ON public.%I FROM {everybody}', a.attname, c.relname)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND a.attacl IS NOT NULL"
    )
    yield from (statement for (statement,) in columns.fetchall())


def _given(owner: Connection, roles: Roles) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {', '.join(_logins(roles))}"
    for table, letters in TABLES.items():
        for role, may in zip(ROLES, letters, strict=True):
            if may and (login := roles.login(role)):
                yield f"GRANT {', '.join(_PRIVILEGES[each] for each in may)} ON {table} TO {login}"
    for role, may, table in COLUMNS:
        if login := roles.login(role):
            yield f"GRANT {may} ON {table} TO {login}"
    for name, allowed in FUNCTIONS.items():
        for role in allowed:
            if login := roles.login(role):
                yield f"GRANT EXECUTE ON FUNCTION {name} TO {login}"
    locks = owner.execute(
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_'"
        " AND has_function_privilege(current_user, oid, 'EXECUTE WITH GRANT OPTION')"
    )
    for (function,) in locks.fetchall():
        for role in LOCKING:
            yield f"GRANT EXECUTE ON FUNCTION {function} TO {roles.login(role)}"
    readers = ", ".join(x for x in (roles.app, roles.reader) if x and x != roles.worker)
    if readers:
        made_by_worker = f"ALTER DEFAULT PRIVILEGES FOR ROLE {roles.worker} GRANT"
        yield f"{made_by_worker} USAGE ON SCHEMAS TO {readers}"
        yield f"{made_by_worker} SELECT ON TABLES TO {readers}"


def _hand_over_views(owner: Connection, roles: Roles) -> None:
    """Read models of before, which belonged to whoever made them, are the worker's."""
    schemas = owner.execute(
        "SELECT nspname, nspowner <> %s::regrole FROM pg_namespace"
        " WHERE nspname = 'views' OR nspname ~ '^view_.*_[0-9]+_[0-9]+$'",
        (roles.worker,),
    ).fetchall()
    readers = ", ".join(x for x in (roles.app, roles.reader) if x and x != roles.worker)
    for schema, foreign in schemas:
        if foreign:
            # The schema first: a table's new owner must be allowed to make tables in it.
            owner.execute(f'ALTER SCHEMA "{schema}" OWNER TO {roles.worker}'.encode())
            tables = owner.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
                " AND relkind IN ('r', 'v')",
                (f'"{schema}"',),
            ).fetchall()
            for (table,) in tables:
                owner.execute(f'ALTER TABLE "{schema}"."{table}" OWNER TO {roles.worker}'.encode())
        if readers:
            owner.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {readers}'.encode())
            owner.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO {readers}'.encode())


def _logins(roles: Roles) -> list[str]:
    """Lists each login once."""
    return list(dict.fromkeys(login for role in ROLES if (login := roles.login(role))))


def _user(url: str) -> str:
    return str(conninfo_to_dict(url).get("user") or "") if url else ""


def _user_of(connection: Connection) -> str:
    row = connection.execute("SELECT current_user").fetchone()
    assert row is not None
    return str(row[0])


def _is_there(connection: Connection, role: str) -> bool:
    return _asks(connection, "EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", role)


def _asks(connection: Connection, condition: str, *values: str) -> bool:
    row = connection.execute(f"SELECT {condition}".encode(), values).fetchone()
    return bool(row and row[0])


def _try(owner: Connection, statement: str, otherwise: RolesNotReady) -> None:
    try:
        owner.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as error:
        raise otherwise from error
