"""Numbered forward-only SQL, applied once each under an advisory lock, then the rights of the roles
(`rights.py`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg

from events.errors import NoCultureError
from runtime.rights import Roles, grant_rights

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7521981


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


def migrate(owner_url: str, roles: Roles | None = None) -> list[str]:
    """Bring the database to this version; answers what was applied. Raises SchemaTooNew,
    MigrationChanged, RolesNotReady.

    An empty list means nothing was to be done. Each file is one transaction. `roles` are the logins
    of the parts, those of the embedded database if nothing is said.
    """
    applied: list[str] = []
    # The names in the files are those of `public`, whatever schema bears the owner's name.
    options = "-c search_path=public"
    with psycopg.connect(owner_url, autocommit=True, options=options) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
            " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        known: dict[int, str] = dict(
            connection.execute("SELECT number, sha256 FROM migrations").fetchall()
        )
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
                connection.execute(sql)
                connection.execute(
                    "INSERT INTO migrations (number, name, sha256) VALUES (%s, %s, %s)",
                    (number, name, digest),
                )
            applied.append(name)
        grant_rights(connection, roles or Roles())
    return applied
