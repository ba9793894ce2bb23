"""Checks the two tables that are folds of the events: `log verify` does it beside the chain."""

from __future__ import annotations

from typing import Any

import psycopg
from pydantic_core import from_json

from events.store.frame_rows import copied_rows, fields

Connection = psycopg.Connection[Any]
Problem = tuple[int, str]

# A command's row holds its input's hash, its first event's stream at the last version it reached,
# and its last position. One pass over both tables; a grouped one takes twice as long.
_COMMANDS = """
SELECT count(*) FILTER (WHERE e.is_first),
       count(*) FILTER (WHERE e.stream_id = c.stream_id AND e.stream_version = c.stream_version),
       min(coalesce(e.position, c.position)) FILTER (
           WHERE e.position IS NULL OR c.position IS NULL OR e.input_hash <> c.input_hash
              OR (e.is_first AND e.stream_id <> c.stream_id)
              OR (e.is_last AND e.position <> c.position)
              OR e.position > c.position
              OR (e.stream_id = c.stream_id AND e.stream_version > c.stream_version))
FROM (SELECT position, command_id, input_hash, stream_id, stream_version,
             lag(command_id) OVER w IS DISTINCT FROM command_id AS is_first,
             lead(command_id) OVER w IS DISTINCT FROM command_id AS is_last
      FROM events WHERE position > {after} WINDOW w AS (ORDER BY position)) e
FULL JOIN (SELECT * FROM commands WHERE position > {after}) c ON c.command_id = e.command_id
"""
_NEVER_REACHED = """
SELECT min(c.position) FROM commands c WHERE c.position > {after} AND NOT EXISTS (
    SELECT FROM events e WHERE e.stream_id = c.stream_id AND e.stream_version = c.stream_version
       AND e.command_id = c.command_id)
"""
_STAMP = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_CLAIMS = (
    "SELECT kind, CASE scope WHEN '' THEN 0 ELSE hashtextextended(scope, {seed}) END, key,"
    f" {_STAMP.format('lower(during)')}, {_STAMP.format('upper(during)')},"
    " hashtextextended(stream_id, {seed}), position FROM claims"
)


def check_commands(url: str, password: str, snapshot: str, after: int) -> Problem | None:
    """On a connection of its own: while we hash, the server joins."""
    with psycopg.connect(url, password=password) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        connection.execute("SET LOCAL work_mem = '64MB'")
        row = connection.execute(_COMMANDS.format(after=after)).fetchone()
        assert row is not None
        commands, reached, position = row
        if position is None and reached != commands:
            row = connection.execute(_NEVER_REACHED.format(after=after)).fetchone()
            position = row[0] if row else None
    if position is None:
        return None
    return position, "the commands table does not follow from the events"


class HeldClaims:
    """The claims table as the events from `after` on say that it should be; 200 bytes a claim.

    Streams and tenants are 64-bit hashes that the server made with `seed`; so are keys, with this
    process's own.
    """

    def __init__(self, after: int, seed: int) -> None:
        self._after, self._table = after, _CLAIMS.format(seed=seed)
        self._held: dict[int, tuple[int, int]] = {}
        self._released: dict[int, int] = {}

    def fold(self, position: int, stream: int, tenant: int, claims: bytes) -> None:
        """An event that moves claims. Raises ValueError when they are not JSON."""
        for move in from_json(claims):
            scope = 0 if move["scope"] == "global" else tenant
            key = hash((move["kind"], scope, move["key"], move["since"], move["until"]))
            if move["op"] == "take":
                self._held[key] = stream, position
            elif self._held.pop(key, None) is None:
                self._released[key] = position

    def differing(self, connection: Connection) -> Problem | None:
        """An edited row would let a rule be broken later."""
        missing, wrong = dict(self._held), []
        for row in copied_rows(connection, self._table):
            kind, scope, key, since, until, stream, at = fields(row)
            texts = [each and each.decode() for each in (kind, key, since, until)]
            name = hash((texts[0], _int(scope), *texts[1:]))
            position = _int(at)
            folded = missing.pop(name, None)
            if folded:
                if folded != (_int(stream), position):
                    wrong.append(folded[1])
            elif position > self._after or name in self._released:
                wrong.append(self._released.get(name, position))
        wrong += [position for _, position in missing.values()]
        return (min(wrong), "the claims table does not follow from the events") if wrong else None


def _int(part: bytes | None) -> int:
    return int.from_bytes(part or b"", signed=True)
