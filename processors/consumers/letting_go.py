"""Parked streams of an erased workspace: nobody will look at them again, and none may stay."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.store.codec import EventCodec
from events.store.postgres import PostgresEvents
from processors.consumers import parking
from processors.consumers.batch import finish, is_passing
from processors.consumers.consumer import Connection, Consumer
from processors.consumers.projection import ProjectionConsumer
from processors.consumers.replay import letters_of
from schemas.telling import safely

log = logging.getLogger(__name__)
_PARKED_OF = """
SELECT p.consumer, p.stream_id FROM parked_streams p
WHERE EXISTS (SELECT FROM events e WHERE e.stream_id = p.stream_id AND e.tenant = %s)
ORDER BY p.consumer, p.position
"""
# These events take a stream's earlier ones out of a view: no stream may go on without them.
_SCRUBS = ("deleted", "erased")


class _NotScrubbed(Exception):
    """Rolls back what was applied of the stream."""


class LettingGo:
    """Gives consumers the letters of an erased workspace once more, without those that they still
    cannot digest: what those said is gone with the key, or with the deletion behind them.
    """

    def __init__(
        self, pool: ConnectionPool, codec: EventCodec, consumers: Iterable[Consumer]
    ) -> None:
        self._pool, self._codec = pool, codec
        self._consumers = {consumer.name: consumer for consumer in consumers}

    def let_go(self, workspace_id: str) -> None:
        """A stream stays parked where its deletion itself cannot be digested: only a corrected
        program can scrub that view.
        """
        with self._pool.connection() as connection:
            parked = connection.execute(_PARKED_OF, (workspace_id,)).fetchall()
        for name, stream in parked:
            if (consumer := self._consumers.get(name)) is None:
                continue
            try:
                self._let_go_of(consumer, stream)
            except _NotScrubbed:
                log.warning("%s cannot let go of %s: it stays parked", name, stream)

    def _let_go_of(self, consumer: Consumer, stream: str) -> None:
        """All of it or nothing. Raises _NotScrubbed."""
        with self._pool.connection() as connection, connection.transaction():
            row = connection.execute(
                "SELECT live_build FROM consumers WHERE name = %s FOR SHARE", (consumer.name,)
            ).fetchone()
            if row is None:
                return
            if isinstance(consumer, ProjectionConsumer):
                consumer.use_build(row[0])
            letters = letters_of(connection, PostgresEvents(self._pool), consumer.name, stream)
            left = [each for each in letters if not self._applied(connection, consumer, each)]
            if not letters or any(letter.type.endswith(_SCRUBS) for letter in left):
                raise _NotScrubbed
            finish(connection, [consumer])
            parking.release(connection, consumer.name, stream)
        consumer.committed()

    def _applied(self, connection: Connection, consumer: Consumer, letter: Envelope) -> bool:
        try:
            with connection.transaction():
                recorded = self._codec.decode(letter)
                if recorded is not None:
                    consumer.apply(connection, [recorded])
        except Exception as error:
            if is_passing(error):
                raise
            log.info(
                "%s goes on without position %d: %s", consumer.name, letter.position, safely(error)
            )
            return False
        return True
