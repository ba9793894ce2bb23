"""Digest what was parked: each stream's letters in order, one transaction a stream, then it runs
live again.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg_pool import ConnectionPool

from events.envelope import Envelope, Recorded
from events.log.progress import UnknownConsumer
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import parking
from processors.consumers.batch import finish, is_passing
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.projection import ProjectionConsumer
from schemas.telling import safely


@dataclass(frozen=True, slots=True)
class Replayed:
    """`failed` maps streams that stay parked to why."""

    name: str
    streams: int
    events: int
    failed: dict[str, str]


def replay(pool: ConnectionPool, consumer: Consumer, codec: EventCodec) -> Replayed:
    """Give `consumer` its parked events again. A stream that fails again stays parked; the others
    go on.
    """
    with pool.connection() as connection:
        streams = parking.parked_streams(connection, consumer.name)
    events, failed = 0, {}
    for stream in streams:
        try:
            events += _replay_stream(pool, consumer, codec, stream)
        except Exception as error:
            if is_passing(error):
                raise
            failed[stream] = safely(error)
    return Replayed(consumer.name, len(streams) - len(failed), events, failed)


def _replay_stream(pool: ConnectionPool, consumer: Consumer, codec: EventCodec, stream: str) -> int:
    store = PostgresEvents(pool)
    with pool.connection() as connection, connection.transaction():
        # Shared with batches, but no swap of builds while this runs.
        row = connection.execute(
            "SELECT live_build FROM consumers WHERE name = %s FOR SHARE", (consumer.name,)
        ).fetchone()
        if row is None:
            raise UnknownConsumer(consumer.name)
        if isinstance(consumer, ProjectionConsumer):
            consumer.use_build(row[0])
        events = letters_of(connection, store, consumer.name, stream)
        _apply(connection, consumer, codec, events)
        parking.release(connection, consumer.name, stream)
        finish(connection, [consumer])
    consumer.committed()
    return len(events)


def letters_of(
    connection: Connection, store: PostgresEvents, consumer: str, stream: str
) -> list[Envelope]:
    """The events that wait for the consumer; the stream stays locked for this transaction."""
    positions = parking.waiting_letters(connection, consumer, stream)
    if not positions:
        return []
    wanted = set(positions)
    page = store.after(positions[0] - 1, len(positions), stream_id=stream)
    return [event for event in page if event.position in wanted]


def _apply(
    connection: Connection, consumer: Consumer, codec: EventCodec, events: list[Envelope]
) -> None:
    decoded = [codec.decode(event) for event in events]
    recorded: list[Recorded] = [event for event in decoded if event is not None]
    if recorded:
        consumer.apply(connection, recorded)
