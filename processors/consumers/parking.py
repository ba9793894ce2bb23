"""Streams that a consumer could not digest, and their letters: references to events, in the log's
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from events.envelope import Envelope
from processors.consumers.consumer import Connection


def parked_among(
    connection: Connection, consumers: Iterable[str], streams: Iterable[str]
) -> set[tuple[str, str]]:
    """(consumer, stream) of those that are parked. Locks them: a replay waits for this batch, or
    this batch for it.
    """
    rows = connection.execute(
        "SELECT consumer, stream_id FROM parked_streams"
        " WHERE consumer = ANY (%s) AND stream_id = ANY (%s)"
        " ORDER BY consumer, stream_id FOR SHARE",
        (sorted(consumers), sorted(set(streams))),
    ).fetchall()
    return {(consumer, stream) for consumer, stream in rows}


def require_none(connection: Connection, consumers: Iterable[str], streams: Iterable[str]) -> None:
    """Lets the transaction fail with NC002 if one of them is parked. Nothing waits for the
    answer.
    """
    connection.execute(
        "SELECT require(NOT EXISTS (SELECT FROM parked_streams"
        " WHERE consumer = ANY (%s) AND stream_id = ANY (%s)), 'NC002')",
        (sorted(consumers), sorted(set(streams))),
    )


def park(connection: Connection, consumer: str, event: Envelope, error: str) -> None:
    connection.execute(
        "INSERT INTO parked_streams (consumer, stream_id, position, error)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (consumer, event.stream_id, event.position, error),
    )
    put_aside(connection, consumer, [event], error)


def put_aside(
    connection: Connection, consumer: str, events: Sequence[Envelope], error: str | None = None
) -> None:
    """Letters for events of parked streams."""
    connection.cursor().executemany(
        "INSERT INTO dead_letters (consumer, position, event_id, stream_id, type, error)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (consumer, position) DO UPDATE"
        " SET state = 'parked', error = EXCLUDED.error, parked_at = now(), replayed_at = NULL",
        [(consumer, e.position, e.event_id, e.stream_id, e.type, error) for e in events],
    )


def waiting_letters(connection: Connection, consumer: str, stream: str) -> list[int]:
    """Positions of a parked stream's letters; the stream stays locked for this transaction."""
    connection.execute(
        "SELECT FROM parked_streams WHERE consumer = %s AND stream_id = %s FOR UPDATE",
        (consumer, stream),
    )
    rows = connection.execute(
        "SELECT position FROM dead_letters"
        " WHERE consumer = %s AND stream_id = %s AND state = 'parked' ORDER BY position",
        (consumer, stream),
    ).fetchall()
    return [position for (position,) in rows]


def parked_streams(connection: Connection, consumer: str) -> list[str]:
    rows = connection.execute(
        "SELECT stream_id FROM parked_streams WHERE consumer = %s ORDER BY position", (consumer,)
    ).fetchall()
    return [stream for (stream,) in rows]


def parked_with_errors(connection: Connection, consumer: str) -> list[tuple[str, int, str]]:
    """(stream, position of the event to blame, error) of each parked stream."""
    return connection.execute(
        "SELECT stream_id, position, error FROM parked_streams WHERE consumer = %s"
        " ORDER BY position",
        (consumer,),
    ).fetchall()


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """`position` and `event_id` name the event to blame, `waiting` counts it and those behind."""

    consumer: str
    stream_id: str
    position: int
    event_id: str
    type: str
    error: str
    waiting: int
    parked_at: datetime


def all_parked(connection: Connection, consumer: str | None = None) -> list[ParkedStream]:
    """For the operator: what waits, and why."""
    rows = connection.execute(
        "SELECT p.consumer, p.stream_id, p.position, d.event_id, d.type, p.error,"
        " (SELECT count(*) FROM dead_letters w WHERE w.consumer = p.consumer"
        "  AND w.stream_id = p.stream_id AND w.state = 'parked'), p.parked_at"
        " FROM parked_streams p JOIN dead_letters d USING (consumer, position)"
        " WHERE %(name)s::text IS NULL OR p.consumer = %(name)s ORDER BY p.consumer, p.position",
        {"name": consumer},
    ).fetchall()
    return [ParkedStream(*row) for row in rows]


def release(connection: Connection, consumer: str, stream: str | None = None) -> None:
    """The stream's letters are digested (all of the consumer's streams if none is named)."""
    for statement in (
        "UPDATE dead_letters SET state = 'replayed', replayed_at = now()"
        " WHERE consumer = %(consumer)s AND state = 'parked'",
        "DELETE FROM parked_streams WHERE consumer = %(consumer)s",
    ):
        connection.execute(
            statement + " AND (%(stream)s::text IS NULL OR stream_id = %(stream)s)",
            {"consumer": consumer, "stream": stream},
        )
