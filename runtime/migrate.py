"""Numbered forward-only SQL, applied once each under an advisory lock, then the application role's
rights.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg

from events.errors import NoCultureError

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7521981
APP_ROLE = "noculture_app"

# The application appends to the log and reads it; only the owner could change what happened.
_RIGHTS = f"""
GRANT USAGE, CREATE ON SCHEMA public TO {APP_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {APP_ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON events FROM {APP_ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON commands FROM {APP_ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON log_checkpoints FROM {APP_ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON log_tree FROM {APP_ROLE};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON log_identity FROM {APP_ROLE};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON migrations FROM {APP_ROLE};
"""


class SchemaTooNew(NoCultureError):
    status, code = 500, "schema-too-new"

    def __init__(self, number: int) -> None:
        super().__init__(
            f"The database has migration {number}, which this version does not know: upgrade it"
        )


class MigrationChanged(NoCultureError):
    status, code = 500, "migration-changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not the file that was applied here: restore the released one")


def migrations() -> list[tuple[int, str, str]]:
    """(number, file name, SQL) in order."""
    return [
        (int(file.name[:4]), file.name, file.read_text()) for file in sorted(FOLDER.glob("*.sql"))
    ]


def newest_migration() -> int:
    """The number that a database of this version is at."""
    return migrations()[-1][0]


def migrate(owner_url: str) -> list[str]:
    """Bring the database to this version; answers what was applied. Raises SchemaTooNew.

    An empty list means nothing was to be done. Each file is one transaction.
    """
    applied: list[str] = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known = dict(connection.execute("SELECT number, sha256 FROM migrations").fetchall())
        files = migrations()
        unknown = set(known) - {number for number, _, _ in files}
        if unknown:
            raise SchemaTooNew(max(unknown))
        for number, name, sql in files:
            digest = hashlib.sha256(sql.encode()).hexdigest()
            if number in known:
                if known[number] != digest:
                    raise MigrationChanged(name)
                continue
            with connection.transaction():
                connection.execute(sql)  # type: ignore[arg-type]
                connection.execute(
                    "INSERT INTO migrations (number, name, sha256) VALUES (%s, %s, %s)",
                    (number, name, digest),
                )
            applied.append(name)
        connection.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}')"
            f" THEN CREATE ROLE {APP_ROLE} LOGIN; END IF; END $$"
        )
        connection.execute(_RIGHTS)
        connection.execute(
            f"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {APP_ROLE}',"
            " current_database()); END $$"
        )
    return applied
