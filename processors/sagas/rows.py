"""Rows of what sagas still want done: commands to send and timers to fire."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from events.store.pending import Committed
from processors.due import DUE_AT, DUE_IN_S, due_in_s, one_more
from processors.sagas.steps import Pending
from processors.wake import CHANNEL, COMMANDS, LOOK_S, TIMERS
from schemas.text import storable

Connection = psycopg.Connection[Any]
_NOT_AMONG = (
    "NOT EXISTS (SELECT FROM unnest(%s::text[], %s::text[]) AS others (stream_id, token)"
    " WHERE (others.stream_id, others.token) = (t.stream_id, t.token))"
)
_LOOK = timedelta(seconds=LOOK_S)


@dataclass(frozen=True, slots=True)
class CommandRow:
    command_id: str
    saga: str
    stream_id: str
    name: str
    body: dict[str, Any]
    tenant: str
    correlation_id: str
    causation_id: str


@dataclass(frozen=True, slots=True)
class TimerRow:
    """`set_by` is the event id of the step that set it."""

    stream_id: str
    token: str
    saga: str
    due_at: datetime
    tenant: str
    correlation_id: str
    set_by: str


@dataclass(frozen=True, slots=True)
class DueTimer:
    """`reference` names this firing: the same whenever it is tried, whatever the clock does."""

    saga: str
    stream_id: str
    token: str
    due_at: datetime
    tenant: str
    correlation_id: str | None
    reference: str


class SagaRows:
    """Every method works inside the caller's transaction. Timers are due by the domain's clock,
    `now`; what lies between two tries of a command goes by the database's.
    """

    def write(
        self,
        connection: Connection,
        commands: Sequence[CommandRow],
        timers: Sequence[TimerRow],
        stepped: Mapping[str, Collection[str]],
        ended: Collection[str],
        now: datetime,
    ) -> None:
        """Writes a batch of steps: streams that `stepped` lose their timers to `timers`, but for
        the tokens that they keep; those `ended` by an operator also what they have not sent yet.
        """
        cursor = connection.cursor()
        if ended:
            cursor.execute("DELETE FROM saga_commands WHERE stream_id = ANY(%s)", (list(ended),))
        if commands:
            cursor.executemany(
                "INSERT INTO saga_commands (command_id, saga, stream_id, name, body, tenant,"
                " correlation_id, causation_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (command_id) DO NOTHING RETURNING pg_notify(%s, %s)",
                [
                    (
                        *(c.command_id, c.saga, c.stream_id, c.name, json.dumps(storable(c.body))),
                        *(c.tenant, c.correlation_id, c.causation_id, CHANNEL, COMMANDS),
                    )
                    for c in commands
                ],
            )
        if stepped:
            kept = [(stream_id, token) for stream_id in stepped for token in stepped[stream_id]]
            cursor.execute(
                f"DELETE FROM saga_timers t WHERE stream_id = ANY(%s) AND {_NOT_AMONG}",
                (list(stepped), *_columns(kept)),
            )
        if timers:
            cursor.executemany(
                "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant, correlation_id,"
                " set_by) VALUES (%s, %s, %s, %s, %s, %s, %s)"
                # Set anew by a step committed since the DELETE looked: let the version lose, not
                # this, for a lost version is retried and a violated key would park the saga.
                " ON CONFLICT (stream_id, token) DO UPDATE SET due_at = excluded.due_at,"
                " correlation_id = excluded.correlation_id, set_by = excluded.set_by"
                # What is due later is seen in time by whoever looks every LOOK_S.
                " RETURNING CASE WHEN %s THEN pg_notify(%s, %s) END",
                [
                    (
                        *(t.stream_id, t.token, t.saga, t.due_at, t.tenant, t.correlation_id),
                        *(t.set_by, t.due_at <= now + _LOOK, CHANNEL, TIMERS),
                    )
                    for t in timers
                ],
            )

    # --- timers ---------------------------------------------------------------------------------

    def take_due_timer(
        self,
        connection: Connection,
        sagas: Collection[str],
        now: datetime,
        aside: Collection[tuple[str, str]] = (),
    ) -> DueTimer | None:
        """Delete the timer of these sagas that is due longest and that nobody else is firing; those
        `aside` (stream, token) are left.
        """
        row = connection.execute(
            "DELETE FROM saga_timers WHERE (stream_id, token) = ("
            " SELECT stream_id, token FROM saga_timers t"
            f" WHERE due_at <= %s AND saga = ANY(%s) AND {_NOT_AMONG}"
            " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
            f" RETURNING saga, stream_id, token, {DUE_AT}, tenant, correlation_id,"
            " token || '@' || coalesce(set_by, due_at::text)",
            (now, list(sagas), *_columns(aside)),
        ).fetchone()
        return None if row is None else DueTimer(*row)

    def timer_due_in_s(
        self,
        connection: Connection,
        sagas: Collection[str],
        now: datetime,
        aside: Collection[tuple[str, str]] = (),
    ) -> float | None:
        row = connection.execute(
            f"SELECT {due_in_s('now')} FROM saga_timers t, (VALUES (%s::timestamptz)) AS at (now)"
            f" WHERE saga = ANY(%s) AND {_NOT_AMONG} GROUP BY now",
            (now, list(sagas), *_columns(aside)),
        ).fetchone()
        return row[0] if row else None

    # --- commands -------------------------------------------------------------------------------

    def lease_command(
        self, connection: Connection, lease_s: float
    ) -> tuple[CommandRow, int] | None:
        """The command that is due longest and how often it was tried, this time included."""
        row = connection.execute(
            f"UPDATE saga_commands SET attempts = {one_more('attempts')},"
            " due_at = clock_timestamp() + make_interval(secs => %s)"
            " WHERE command_id = (SELECT command_id FROM saga_commands"
            " WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 1"
            " FOR UPDATE SKIP LOCKED)"
            " RETURNING command_id, saga, stream_id, name, body::text, tenant, correlation_id,"
            " causation_id, attempts",
            (lease_s,),
        ).fetchone()
        if row is None:
            return None
        id, saga, stream_id, name, body, *others, attempts = row
        return CommandRow(id, saga, stream_id, name, _read(body), *others), attempts

    def command_due_in_s(self, connection: Connection) -> float | None:
        row = connection.execute(f"SELECT {DUE_IN_S} FROM saga_commands").fetchone()
        return row[0] if row else None

    def delay_command(
        self, connection: Connection, command_id: str, error: str, delay_s: float
    ) -> None:
        connection.execute(
            "UPDATE saga_commands SET error = %s,"
            " due_at = clock_timestamp() + make_interval(secs => %s) WHERE command_id = %s",
            (storable(error), delay_s, command_id),
        )

    def forget_command(self, connection: Connection, command_id: str) -> None:
        connection.execute("DELETE FROM saga_commands WHERE command_id = %s", (command_id,))

    def answered(self, connection: Connection, command_id: str) -> tuple[bytes, Committed] | None:
        """The input's hash and the first answer of a command that was committed."""
        row = connection.execute(
            "SELECT input_hash, stream_id, stream_version, position FROM commands"
            " WHERE command_id = %s",
            (command_id,),
        ).fetchone()
        return row and (bytes(row[0]), Committed(row[1], row[2], row[3], replayed=True))

    # --- an operator's hand ---------------------------------------------------------------------

    def hasten(
        self, connection: Connection, stream_id: str, correlation_id: str
    ) -> tuple[Pending, ...]:
        """Makes failed commands due now, effects of the same correlation too; answers the commands
        that are on their way. One that is done, and whose sender died before it took the row away,
        is not: sent again it would only be answered as before.
        """
        rows = connection.execute(
            "UPDATE saga_commands SET attempts = 0, due_at = CASE WHEN error IS NULL THEN due_at"
            " ELSE clock_timestamp() END WHERE stream_id = %s"
            " RETURNING name, body::text, pg_notify(%s, %s),"
            " EXISTS (SELECT FROM commands WHERE commands.command_id = saga_commands.command_id)",
            (stream_id, CHANNEL, COMMANDS),
        ).fetchall()
        # One that is being worked on (leased more often than it failed) is left alone.
        connection.execute(
            "UPDATE effects SET due_at = clock_timestamp(), leases = 0, failures = 0"
            " WHERE correlation_id = %s AND failures > 0 AND leases = failures"
            " RETURNING pg_notify(%s, effect)",
            (correlation_id, CHANNEL),
        )
        return tuple((name, _read(body)) for name, body, _, done in rows if not done)


def _columns(timers: Collection[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [stream_id for stream_id, _ in timers], [token for _, token in timers]


def _read(body: str) -> Any:
    """The JSON that Postgres holds; the text itself where Python cannot read it (a number of 5,000
    digits), which no command's model takes.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body
