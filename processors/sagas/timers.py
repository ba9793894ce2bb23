"""Fires due timers: each becomes an input of its saga in the transaction that deletes the timer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

import psycopg
from psycopg_pool import ConnectionPool

from events.errors import NoCultureError
from events.ids import CorrelationId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.sagas.stepping import Cause, Stepping
from processors.wake import Wake
from sagas.saga import Saga, TimerFired

log = logging.getLogger(__name__)
POLL_S = 1.0


class Timers:
    """Any number may run at once: a due timer is taken by one (SKIP LOCKED)."""

    def __init__(
        self,
        sagas: Mapping[str, Saga],
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        commands_due: Wake,
    ) -> None:
        self._sagas, self._store, self._pool, self._codec = sagas, store, pool, codec
        self._commands_due = commands_due

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                fired = self.fire_one()
            except (psycopg.Error, NoCultureError) as error:
                log.warning("a timer will be fired again: %s", error)
                fired = False
            if not fired:
                stop.wait(POLL_S)

    def fire_one(self) -> bool:
        """Fire the timer that is due longest; False when none is."""
        with self._pool.connection() as connection:
            with connection.transaction():
                row = connection.execute(
                    "DELETE FROM saga_timers WHERE (stream_id, token) = ("
                    " SELECT stream_id, token FROM saga_timers WHERE due_at <= clock_timestamp()"
                    " ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
                    " RETURNING saga, stream_id, token, tenant, due_at",
                ).fetchone()
                if row is None:
                    return False
                saga, stream_id, token, tenant, due_at = row
                stepping = Stepping(self._sagas[saga], self._store, self._codec)
                cause = Cause(
                    kind="timer",
                    name=token,
                    reference=f"{token}@{due_at.isoformat()}",
                    tenant=tenant,
                    correlation_id=CorrelationId.derived(stream_id),
                    causation_id=None,
                )
                stepping.take(stream_id, TimerFired(token), cause)
                stepping.write_rows(connection)
                stepping.append(connection)
        self._store.wake()
        self._commands_due.set()
        return True
