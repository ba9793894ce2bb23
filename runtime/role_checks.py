"""Findings of `doctor` on roles in a database of one's own: rights that no part needs."""

from __future__ import annotations

from typing import Literal

import psycopg

from runtime.finding import Finding
from runtime.installation import PREFIX
from runtime.settings import Settings

ANSWER_WITHIN_S = 5
PARTS: tuple[Literal["app", "worker", "relay"], ...] = ("app", "worker", "relay")
_TOO_MUCH = """
SELECT current_user, array_remove(ARRAY[
    CASE WHEN r.rolsuper THEN 'is a superuser' END,
    CASE WHEN r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
         THEN 'may make roles or databases, or copy all of them' END,
    CASE WHEN pg_has_role(c.relowner, 'MEMBER') AND NOT r.rolsuper THEN 'owns the log' END,
    CASE WHEN NOT pg_has_role(c.relowner, 'MEMBER') AND (
              has_table_privilege('events', 'INSERT, UPDATE, DELETE, TRUNCATE')
              OR has_table_privilege('claims', 'INSERT, UPDATE, DELETE, TRUNCATE')
              OR has_table_privilege('commands', 'INSERT, UPDATE, DELETE, TRUNCATE'))
         THEN 'may write the log without append_events' END,
    CASE WHEN NOT pg_has_role(c.relowner, 'MEMBER')
              AND (has_schema_privilege('public', 'CREATE')
                   OR has_database_privilege(current_database(), 'CREATE'))
         THEN 'may make tables or schemas' END
], NULL)
FROM pg_roles r, pg_class c
WHERE r.rolname = current_user AND c.oid = 'public.events'::regclass
"""


def role_findings(settings: Settings) -> list[Finding]:
    """One for each role that may do more than its part needs."""
    findings = []
    for url in dict.fromkeys(settings.dsn(part) for part in PARTS):
        try:
            with psycopg.connect(url, connect_timeout=ANSWER_WITHIN_S) as connection:
                row = connection.execute(_TOO_MUCH.encode()).fetchone()
        except psycopg.Error:
            # That it does not answer, or has no tables yet, is said elsewhere.
            continue
        if row and row[1]:
            findings.append(_finding(row[0], row[1]))
    return findings


def _finding(role: str, too_much: list[str]) -> Finding:
    advice = (
        f"Give {PREFIX}APP_DATABASE_URL, {PREFIX}WORKER_DATABASE_URL and"
        f" {PREFIX}RELAY_DATABASE_URL roles of their own: docs/operations.md,"
        " 'A database of your own'."
    )
    return Finding("database role", f"{role} {', '.join(too_much)}", "problem", advice)
