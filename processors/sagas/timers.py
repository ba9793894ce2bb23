"""Fires due timers: each becomes an input of its saga in the transaction that deletes the timer.

A clock that is set back or forward moves when, never whether or how often (docs/adr/0014).
"""

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
from processors.sagas.rows import SagaRows
from processors.sagas.stepping import Cause, Stepping
from processors.wake import Wake, pause_s
from sagas.saga import Saga, TimerFired

log = logging.getLogger(__name__)
ERROR_PAUSE_S = 1.0


class Timers:
    """Any number may run at once: a due timer is taken by one (SKIP LOCKED).

    It sleeps until the next one is due; `due` tells it of one that is due sooner.
    """

    def __init__(
        self,
        sagas: Mapping[str, Saga],
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        commands_due: Wake,
        rows: SagaRows | None = None,
        due: Wake | None = None,
    ) -> None:
        self._due = due or Wake()
        self._sagas, self._store, self._pool, self._codec = sagas, store, pool, codec
        self._commands_due, self._rows = commands_due, rows or SagaRows()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            seen = self._due.sets
            try:
                if not self.fire_one():
                    self._due.wait(seen, pause_s(self._due_in_s()))
            except (psycopg.Error, NoCultureError) as error:
                log.warning("a timer will be fired again: %s", error)
                stop.wait(ERROR_PAUSE_S)

    def _due_in_s(self) -> float | None:
        with self._pool.connection() as connection:
            return self._rows.timer_due_in_s(connection, self._sagas.keys())

    def fire_one(self) -> bool:
        """Fire the timer that is due longest; False when none is."""
        with self._pool.connection() as connection, connection.transaction():
            due = self._rows.take_due_timer(connection, self._sagas.keys())
            if due is None:
                return False
            stepping = Stepping(self._sagas[due.saga], self._store, self._codec, self._rows)
            cause = Cause(
                kind="timer",
                name=due.token,
                reference=due.reference,
                tenant=due.tenant,
                correlation_id=due.correlation_id or CorrelationId.derived(due.stream_id),
                causation_id=None,
            )
            stepping.take(due.stream_id, TimerFired(due.token), cause)
            stepping.write_rows(connection)
            stepping.append(connection)
        self._store.wake()
        self._commands_due.set()
        return True
