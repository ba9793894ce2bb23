"""Work that fails again and again, for an operator: commands of sagas and effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from events.errors import NoCultureError
from processors.wake import CHANNEL, COMMANDS

Connection = psycopg.Connection[Any]
Kind = Literal["command", "effect"]
# A few failures pass by themselves; so many do not.
FAILING_AFTER = 5
MAX_LISTED = 200
# `due_at` within the years that Python has.
_ALL = f"""
SELECT 'command' AS kind, command_id AS id, name, attempts AS failures, error, tenant,
       least(greatest(due_at, '2000-01-01'), '9999-01-01') AS due_at
FROM saga_commands WHERE error IS NOT NULL AND attempts >= {FAILING_AFTER}
UNION ALL
SELECT 'effect', event_id, effect, failures, error, NULL,
       least(greatest(due_at, '2000-01-01'), '9999-01-01')
FROM effects WHERE error IS NOT NULL AND failures >= {FAILING_AFTER}
"""
_HASTEN = {
    "command": "UPDATE saga_commands SET attempts = 0, due_at = clock_timestamp()"
    " WHERE (command_id, name) = (%s, %s) AND error IS NOT NULL"
    f" RETURNING pg_notify('{CHANNEL}', '{COMMANDS}')",
    # One that is being worked on (leased more often than it failed) is left alone.
    "effect": "UPDATE effects SET leases = 0, failures = 0, due_at = clock_timestamp()"
    " WHERE (event_id, effect) = (%s, %s) AND error IS NOT NULL AND leases <= failures"
    f" RETURNING pg_notify('{CHANNEL}', effect)",
}
_DROP = {
    "command": "DELETE FROM saga_commands WHERE (command_id, name) = (%s, %s)"
    f" AND error IS NOT NULL AND attempts >= {FAILING_AFTER}"
    " RETURNING to_jsonb(saga_commands)::text",
    "effect": "DELETE FROM effects WHERE (event_id, effect) = (%s, %s) AND error IS NOT NULL"
    f" AND failures >= {FAILING_AFTER} AND leases <= failures RETURNING to_jsonb(effects)::text",
}


class NotFailing(NoCultureError):
    status, code = 404, "not-failing"

    def __init__(self) -> None:
        super().__init__(
            "No such work fails, or somebody works on it this moment: see `./noculture work`"
        )


@dataclass(frozen=True, slots=True)
class Failing:
    """`id` is the command's, or that of the event that wants the effect called `name`."""

    kind: Kind
    id: str
    name: str
    failures: int
    error: str
    tenant: str | None
    due_at: Any


def failing(connection: Connection) -> list[Failing]:
    """Lists what failed five times or more, the most often first."""
    rows = connection.execute(
        f"SELECT * FROM ({_ALL}) AS failing ORDER BY failures DESC, id LIMIT %s", (MAX_LISTED,)
    ).fetchall()
    return [Failing(*row) for row in rows]


def how_many_fail(connection: Connection) -> int:
    row = connection.execute(f"SELECT count(*) FROM ({_ALL}) AS failing").fetchone()
    return int(row[0]) if row else 0


def hasten(connection: Connection, kind: Kind, id: str, name: str) -> None:
    """Try it at once. Raises NotFailing."""
    if connection.execute(_HASTEN[kind], (id, name)).fetchone() is None:
        raise NotFailing


def drop(connection: Connection, kind: Kind, id: str, name: str) -> str:
    """Give it up for good; answers the whole row as JSON. Raises NotFailing."""
    row = connection.execute(_DROP[kind], (id, name)).fetchone()
    if row is None:
        raise NotFailing
    return str(row[0])
