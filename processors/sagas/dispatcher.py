"""Sends what sagas want sent.

A refusal comes back to the saga as an input; anything else is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

import psycopg
from psycopg_pool import ConnectionPool

from commands.handlers import HANDLERS
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.sagas.rows import CommandRow, SagaRows
from processors.sagas.stepping import Cause, Stepping
from processors.wake import Wake, pause_s
from sagas.saga import Refused, Saga
from schemas.telling import safely

log = logging.getLogger(__name__)
ERROR_PAUSE_S = 0.25
LEASE_S = 30
MAX_BACKOFF_S = 60


class UnknownCommand(NoCultureError):
    """A newer worker's saga sent it: it waits for a worker that knows it."""

    status, code = 500, "unknown-command"

    def __init__(self, name: str) -> None:
        super().__init__(f"This worker does not know the command {name}: upgrade it")


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
        rows: SagaRows | None = None,
    ) -> None:
        self._commands, self._sagas, self._store = commands, sagas, store
        self._pool, self._codec, self._due = pool, codec, due
        self._rows = rows or SagaRows()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            seen = self._due.sets
            try:
                if not self.send_one():
                    self._due.wait(seen, pause_s(self._due_in_s()))
            except (psycopg.Error, NoCultureError) as error:
                log.warning("a command will be sent again: %s", error)
                stop.wait(ERROR_PAUSE_S)

    def send_one(self) -> bool:
        """Send the command that is due longest; False when none is."""
        with self._pool.connection() as connection:
            leased = self._rows.lease_command(connection, LEASE_S)
        if leased is None:
            return False
        due, attempts = leased
        if due.name not in HANDLERS:
            self._again(due, attempts, UnknownCommand(due.name))
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
                self._again(due, attempts, refusal)
            else:
                self._refused(due, refusal)
        else:
            with self._pool.connection() as connection:
                self._rows.forget_command(connection, due.command_id)
        return True

    def _due_in_s(self) -> float | None:
        with self._pool.connection() as connection:
            return self._rows.command_due_in_s(connection)

    def _again(self, due: CommandRow, attempts: int, error: NoCultureError) -> None:
        delay_s = min(0.1 * 2**attempts, MAX_BACKOFF_S)
        with self._pool.connection() as connection:
            self._rows.delay_command(connection, due.command_id, safely(error), delay_s)

    def _refused(self, due: CommandRow, refusal: NoCultureError) -> None:
        stepping = Stepping(self._sagas[due.saga], self._store, self._codec, self._rows)
        cause = Cause(
            kind="refusal",
            name=due.name,
            reference=due.command_id,
            tenant=due.tenant,
            correlation_id=due.correlation_id,
            causation_id=due.causation_id,
        )
        with self._pool.connection() as connection, connection.transaction():
            self._rows.forget_command(connection, due.command_id)
            stepping.take(due.stream_id, Refused(due.name, refusal.code, str(refusal)), cause)
            stepping.write_rows(connection)
            stepping.append(connection)
        self._store.wake()
