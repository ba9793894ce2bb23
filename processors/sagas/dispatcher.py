"""Sends what sagas want sent.

A refusal comes back to the saga as an input; anything else is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from commands.ingest_handlers import HANDLERS
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.sagas.stepping import Cause, Stepping
from processors.wake import Wake
from sagas.saga import Refused, Saga

log = logging.getLogger(__name__)
POLL_S = 0.25
LEASE_S = 30
MAX_BACKOFF_S = 60


class UnknownCommand(NoCultureError):
    """A newer worker's saga sent it: it waits for a worker that knows it."""

    status, code = 500, "unknown-command"

    def __init__(self, name: str) -> None:
        super().__init__(f"This worker does not know the command {name}: upgrade it")


@dataclass(frozen=True, slots=True)
class _Due:
    command_id: str
    saga: str
    stream_id: str
    name: str
    body: dict[str, Any]
    tenant: str
    correlation_id: str
    causation_id: str
    attempts: int


class Dispatcher:
    """Any number may run at once.

    A command that was committed before a crash is answered as before.
    """

    def __init__(
        self,
        commands: Commands,
        sagas: Mapping[str, Saga],
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        due: Wake,
    ) -> None:
        self._commands, self._sagas, self._store = commands, sagas, store
        self._pool, self._codec, self._due = pool, codec, due

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                sent = self.send_one()
            except (psycopg.Error, NoCultureError) as error:
                log.warning("a command will be sent again: %s", error)
                sent = False
            if not sent:
                self._due.wait(POLL_S)

    def send_one(self) -> bool:
        """Send the command that is due longest; False when none is."""
        due = self._lease()
        if due is None:
            return False
        if due.name not in HANDLERS:
            self._again(due, UnknownCommand(due.name))
            return True
        model, handler = HANDLERS[due.name]
        context = CommandContext(
            actor=None,
            tenant=due.tenant,
            command_id=due.command_id,
            correlation_id=due.correlation_id,
            causation_id=due.causation_id,
        )
        unit = self._commands.unit(context, input=due.body)
        try:
            handler(unit, model.model_validate(due.body))
            unit.commit()
        except NoCultureError as refusal:
            if refusal.status >= 500 or refusal.code == "version-conflict":
                self._again(due, refusal)
            else:
                self._refused(due, refusal)
        else:
            with self._pool.connection() as connection:
                connection.execute(
                    "DELETE FROM saga_commands WHERE command_id = %s", (due.command_id,)
                )
        return True

    def _lease(self) -> _Due | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "UPDATE saga_commands SET attempts = attempts + 1,"
                " due_at = clock_timestamp() + make_interval(secs => %s)"
                " WHERE command_id = (SELECT command_id FROM saga_commands"
                " WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 1"
                " FOR UPDATE SKIP LOCKED)"
                " RETURNING command_id, saga, stream_id, name, body, tenant, correlation_id,"
                " causation_id, attempts",
                (LEASE_S,),
            ).fetchone()
        return None if row is None else _Due(*row)

    def _again(self, due: _Due, error: NoCultureError) -> None:
        delay_s = min(0.1 * 2**due.attempts, MAX_BACKOFF_S)
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE saga_commands SET error = %s,"
                " due_at = clock_timestamp() + make_interval(secs => %s) WHERE command_id = %s",
                (str(error), delay_s, due.command_id),
            )

    def _refused(self, due: _Due, refusal: NoCultureError) -> None:
        stepping = Stepping(self._sagas[due.saga], self._store, self._codec)
        cause = Cause(
            kind="refusal",
            name=due.name,
            reference=due.command_id,
            tenant=due.tenant,
            correlation_id=due.correlation_id,
            causation_id=due.causation_id,
        )
        with self._pool.connection() as connection:
            with connection.transaction():
                connection.execute(
                    "DELETE FROM saga_commands WHERE command_id = %s", (due.command_id,)
                )
                stepping.take(due.stream_id, Refused(due.name, refusal.code, str(refusal)), cause)
                stepping.write_rows(connection)
                stepping.append(connection)
        self._store.wake()
