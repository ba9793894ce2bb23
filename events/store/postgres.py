"""Appends to and reads from the events table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg.types.range import TimestamptzRange
from psycopg_pool import ConnectionPool

from events.claims import Claim, claims_bytes
from events.envelope import Envelope, frame
from events.store.pending import (
    Append,
    ClaimNotHeld,
    ClaimTaken,
    Committed,
    ForeignStream,
    InputMismatch,
    VersionConflict,
)

COLUMNS = (
    "position, event_id, stream_id, stream_version, category, type, version, recorded_at,"
    " effective_at, actor, tenant, correlation_id, causation_id, command_id, hash, data"
)
_APPEND = (
    "SELECT append, verdict, stream, version, last_position, detail FROM append_events("
    "%s::text[], %s::bytea[], %s::int[], %s::text[], %s::text[], %s::bigint[], %s::text[],"
    "%s::text[], %s::int[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[],"
    "%s::bytea[], %s::bytea[], %s::bytea[], %s::int[], %s::bool[], %s::text[],"
    "%s::text[], %s::text[], %s::tstzrange[])"
)
Verdict = Committed | Exception
Connection = psycopg.Connection[Any]


def append_in(connection: Connection, appends: Sequence[Append]) -> list[Verdict]:
    """Append inside the caller's transaction, as its last statement: it takes the log lock.

    One verdict per append, in order: Committed, or the typed error of that append alone.
    """
    events: list[tuple[Any, ...]] = []
    claims: list[tuple[Any, ...]] = []
    for index, append in enumerate(appends, 1):
        for event in append.events:
            moved = claims_bytes(event.takes, event.releases)
            leaf = hashlib.sha256(
                frame(
                    event_id=event.event_id,
                    stream_id=event.stream_id,
                    stream_version=event.stream_version,
                    category=event.category,
                    type=event.type,
                    version=event.version,
                    effective_at=event.effective_at,
                    actor=append.actor,
                    tenant=append.tenant,
                    correlation_id=append.correlation_id,
                    causation_id=append.causation_id,
                    command_id=append.command_id,
                    input_hash=append.input_hash,
                    claims=moved,
                    data=event.data,
                )
            ).digest()
            events.append(
                (
                    index,
                    event.event_id,
                    event.stream_id,
                    event.stream_version,
                    event.category,
                    event.type,
                    event.version,
                    event.effective_at,
                    append.actor,
                    append.tenant,
                    append.correlation_id,
                    append.causation_id,
                    moved,
                    event.data,
                    leaf,
                )
            )
            moves = [(False, c) for c in event.releases] + [(True, c) for c in event.takes]
            for take, claim in moves:
                scope = "" if claim.scope == "global" else append.tenant
                claims.append((len(events), take, claim.kind, scope, claim.key, _during(claim)))
    arguments = [
        [append.command_id for append in appends],
        [append.input_hash for append in appends],
        *_columns(events, 15),
        *_columns(claims, 6),
    ]
    rows = connection.execute(_APPEND, arguments, binary=True).fetchall()
    verdicts: list[Verdict] = [RuntimeError("no verdict")] * len(appends)
    for index, verdict, stream, version, position, detail in rows:
        verdicts[index - 1] = _verdict(verdict, stream, version, position, detail or {})
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
            return [envelope_of(row) for row in cursor.execute(statement, values)]


def envelope_of(row: tuple[Any, ...]) -> Envelope:
    """One row of COLUMNS."""
    return Envelope(
        position=row[0],
        event_id=row[1],
        stream_id=row[2],
        stream_version=row[3],
        category=row[4],
        type=row[5],
        version=row[6],
        recorded_at=row[7],
        effective_at=row[8],
        actor=row[9],
        tenant=row[10],
        correlation_id=row[11],
        causation_id=row[12],
        command_id=row[13],
        hash=bytes(row[14]),
        data=bytes(row[15]),
    )


def _during(claim: Claim) -> TimestamptzRange | None:
    if claim.since is None and claim.until is None:
        return None
    return TimestamptzRange(claim.since, claim.until, "[)")


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[]] * width


def _verdict(
    verdict: str, stream: str, version: int, position: int, detail: dict[str, Any]
) -> Verdict:
    match verdict:
        case "ok":
            return Committed(stream, version, position)
        case "replayed":
            return Committed(stream, version, position, replayed=True)
        case "input-mismatch":
            return InputMismatch()
        case "version-conflict":
            return VersionConflict(stream, detail["expected"], detail["current"])
        case "foreign-stream":
            return ForeignStream(stream)
        case "claim-taken":
            return ClaimTaken(detail["kind"], detail["key"], detail["holder"], detail["until"])
        case "claim-not-held":
            return ClaimNotHeld(detail["kind"])
        case _:
            return RuntimeError(f"unknown verdict {verdict}")
