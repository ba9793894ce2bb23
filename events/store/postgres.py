"""Appends to and reads from the events table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.envelope import Envelope
from events.store.pending import (
    Append,
    ClaimNotHeld,
    ClaimTaken,
    Committed,
    ForeignStream,
    InputMismatch,
    VersionConflict,
)
from events.store.subject_keys import SubjectGone
from events.store.wire import ARGUMENTS, EncodedAppend, arguments, encode
from events.times import parse_rfc3339, rfc3339

COLUMNS = (
    "position, event_id, stream_id, stream_version, category, type, version, recorded_at,"
    " effective_at, actor, tenant, correlation_id, causation_id, command_id, hash, data"
)
_COLUMNS_OF_A_VERDICT = "append, verdict, stream, version, last_position, detail"
_APPEND = f"SELECT {_COLUMNS_OF_A_VERDICT} FROM append_events({', '.join(['%s'] * len(ARGUMENTS))})"
_PREPARED = b"append"
# `during IS NULL` is the condition of the index.
_HOLDER = (
    "SELECT stream_id FROM claims WHERE kind = %s AND scope = %s AND key = %s AND during IS NULL"
)
_CLOSED = "NC410"
_IN_BINARY = [Format.BINARY] * len(ARGUMENTS)
Verdict = Committed | Exception
Connection = psycopg.Connection[Any]


def append_in(connection: Connection, appends: Sequence[Append]) -> list[Verdict]:
    """Append inside the caller's transaction, as its last statement: it takes the log lock. Only
    `holder_of` may follow.

    One verdict per append, in order: Committed, or the typed error of that append alone.
    """
    return append_encoded(connection, [encode(append) for append in appends])


def append_encoded(connection: Connection, group: Sequence[EncodedAppend]) -> list[Verdict]:
    """The same of what was encoded before."""
    try:
        rows = connection.execute(_APPEND, arguments(group), binary=True).fetchall()
    except psycopg.Error as error:
        raise _typed(error) from error
    return _verdicts(group, rows)


def holder_of(connection: Connection, tenant: str, claim: Claim) -> str | None:
    """The stream that holds this claim for ever; None where nobody does.

    Asked right behind `append_in`, in its transaction, the answer is true until the commit: claims
    move behind the log lock alone, and this statement sees all that moved before.
    """
    name = (claim.kind, claim.scope_in(tenant), claim.key)
    row = connection.execute(_HOLDER, name).fetchone()
    return row[0] if row else None


def prepare_append(connection: Connection) -> None:
    """For `append_prepared` on this connection."""
    places = ", ".join(f"${number}" for number in range(1, len(ARGUMENTS) + 1))
    statement = f"SELECT {_COLUMNS_OF_A_VERDICT} FROM append_events({places})"
    types = [kind.array for kind in ARGUMENTS]
    _refuse_errors(connection, connection.pgconn.prepare(_PREPARED, statement.encode(), types))


def append_prepared(connection: Connection, group: Sequence[EncodedAppend]) -> list[Verdict]:
    """Append and commit, on a connection in autocommit that only appends.

    In one blocking call of libpq, after which this thread asks for Python's lock once. psycopg's
    own way asks at every step, each time behind the threads that encode their appends meanwhile.
    """
    result = connection.pgconn.exec_prepared(_PREPARED, arguments(group), _IN_BINARY, Format.BINARY)
    _refuse_errors(connection, result)
    loaded = Transformer(connection)
    loaded.set_pgresult(result)
    return _verdicts(group, loaded.load_rows(0, result.ntuples, tuple))


def _refuse_errors(connection: Connection, result: PGresult) -> None:
    """Raises what psycopg would raise."""
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if connection.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError(result.get_error_message())
    raise _typed(psycopg.errors.error_from_result(result))


def _typed(error: psycopg.Error) -> Exception:
    """SubjectGone where somebody speaks whose erasure was asked for (migration 0023)."""
    return SubjectGone() if error.diag.sqlstate == _CLOSED else error


def _verdicts(group: Sequence[EncodedAppend], rows: Sequence[tuple[Any, ...]]) -> list[Verdict]:
    refused: dict[int, Verdict] = {}
    position = 0
    for number, verdict, stream, version, last, detail in rows:
        if verdict == "after":
            position = last
        else:
            refused[number] = _verdict(verdict, stream, version, last, detail or {})
    verdicts: list[Verdict] = []
    for number, encoded in enumerate(group, 1):
        if number in refused:
            verdicts.append(refused[number])
        else:
            position += len(encoded.events)
            verdicts.append(Committed(*encoded.answer, position))
    return verdicts


class PostgresEvents:
    """Reads of the events table, in position order; every statement is one keyset page."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def head(self) -> int:
        """The last position, 0 for an empty log."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT max(position) FROM events").fetchone()
        return (row and row[0]) or 0

    def log_identity(self) -> tuple[str, int]:
        """(log id, epoch)"""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT log_id, epoch FROM log_identity").fetchone()
        if row is None:
            raise LookupError("the log has no identity: its migrations did not run")
        return row[0], row[1]

    def stream(
        self,
        stream_id: str,
        *,
        after_version: int = 0,
        up_to_version: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Envelope]:
        order = "DESC" if newest_first else "ASC"
        return self._read(
            f"SELECT {COLUMNS} FROM events WHERE stream_id = %s AND stream_version > %s"
            f" AND (%s::bigint IS NULL OR stream_version <= %s)"
            f" ORDER BY stream_version {order} LIMIT %s",
            (stream_id, after_version, up_to_version, up_to_version, limit),
        )

    def after(
        self,
        position: int,
        limit: int,
        *,
        categories: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        stream_id: str | None = None,
        tenant: str | None = None,
        up_to: int | None = None,
    ) -> list[Envelope]:
        """The next `limit` events behind `position`, up to `up_to`, of what is asked for."""
        where, values = ["position > %s"], [position]
        for condition, value in (
            ("category = ANY(%s)", list(categories) if categories is not None else None),
            ("type = ANY(%s)", list(types) if types is not None else None),
            ("stream_id = %s", stream_id),
            ("tenant = %s", tenant),
            ("position <= %s", up_to),
        ):
            if value is not None:
                where.append(condition)
                values.append(value)  # type: ignore[arg-type]
        return self._read(
            f"SELECT {COLUMNS} FROM events WHERE {' AND '.join(where)} ORDER BY position LIMIT %s",
            (*values, limit),
        )

    def walk(
        self, after: int = 0, *, page: int = 2000, categories: Sequence[str] | None = None
    ) -> Iterator[list[Envelope]]:
        """Pages of everything behind `after`, up to the head when each page is read."""
        while envelopes := self.after(after, page, categories=categories):
            yield envelopes
            after = envelopes[-1].position

    def _read(self, statement: str, values: Sequence[Any]) -> list[Envelope]:
        with self._pool.connection() as connection:
            cursor = connection.cursor(binary=True)
            return [envelope_of(row) for row in cursor.execute(statement, values).fetchall()]


def envelope_of(row: tuple[Any, ...]) -> Envelope:
    """One row of COLUMNS, which are the envelope's fields in their order."""
    return Envelope._make(row)


def _verdict(
    verdict: str, stream: str, version: int, position: int, detail: dict[str, Any]
) -> Verdict:
    match verdict:
        case "replayed":
            return Committed(stream, version, position, replayed=True)
        case "input-mismatch":
            return InputMismatch()
        case "version-conflict":
            return VersionConflict(stream, detail["expected"], detail["current"])
        case "foreign-stream":
            return ForeignStream(stream)
        case "claim-taken":
            # The server writes times in its session's zone and shortest form; ours have one.
            until = detail["until"] and rfc3339(parse_rfc3339(detail["until"]))
            return ClaimTaken(detail["kind"], detail["key"], detail["holder"], until)
        case "claim-not-held":
            return ClaimNotHeld(detail["kind"])
        case _:
            return RuntimeError(f"unknown verdict {verdict}")
