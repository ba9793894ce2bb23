"""Sends what sagas want sent.

A refusal comes back to the saga as an input; anything else is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from psycopg_pool import ConnectionPool

from commands.forwarding import Handlers
from commands.unit import CommandContext, Commands
from events.errors import NoCultureError
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.pace import longer_pause_s, work_until
from processors.sagas.rows import CommandRow, SagaRows
from processors.sagas.step_batch import Cause, StepBatch
from processors.wake import Wake
from sagas.saga import Refused, Saga
from schemas.telling import safely

log = logging.getLogger(__name__)
LEASE_S = 30
FIRST_BACKOFF_S, MAX_BACKOFF_S = 0.1, 60.0


class UnknownCommand(NoCultureError):
    """A newer worker's saga sent the command: it waits for a worker that knows it."""

    status, code = 500, "unknown-command"

    def __init__(self, name: str) -> None:
        super().__init__(f"This worker does not know the command {name}: upgrade it")


class UnknownSagaOfCommand(NoCultureError):
    """The command was refused, but this worker has not got the saga that must hear of it."""

    status, code = 500, "unknown-saga"

    def __init__(self, name: str) -> None:
        super().__init__(f"This worker does not know the saga {name}: upgrade it")


class Dispatcher:
    """Any number may run at once.

    A command that was committed before a crash is answered as before.
    """

    def __init__(
        self,
        commands: Commands,
        sagas: Mapping[str, Saga],
        handlers: Handlers,
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        due: Wake,
        rows: SagaRows | None = None,
    ) -> None:
        self._commands, self._sagas, self._handlers = commands, sagas, handlers
        self._store = store
        self._pool, self._codec, self._due = pool, codec, due
        self._rows = rows or SagaRows()

    def run(self, stop: threading.Event) -> None:
        work_until(stop, "the dispatcher", self._due, self.send_one, self._due_in_s)

    def send_one(self) -> bool:
        """Send the command that is due longest; False when none is.

        One that cannot be sent stays with its error and is sent again, ever more slowly. Raises
        what the database says.
        """
        with self._pool.connection() as connection:
            leased = self._rows.lease_command(connection, LEASE_S)
        if leased is None:
            return False
        due, attempts = leased
        try:
            self._send(due)
        except Exception as error:
            log.warning("%s of %s will be sent again: %s", due.name, due.stream_id, safely(error))
            self._again(due, attempts, error)
        return True

    def _send(self, due: CommandRow) -> None:
        if due.name not in self._handlers:
            raise UnknownCommand(due.name)
        model, handler = self._handlers[due.name]
        command = model.model_validate(due.body)
        context = CommandContext(
            actor=None,
            tenant=command.tenant_for(due.tenant),
            command_id=due.command_id,
            correlation_id=due.correlation_id,
            causation_id=due.causation_id,
        )
        unit = self._commands.unit(context, input=due.body)
        try:
            handler(unit, command)
            unit.commit()
        except NoCultureError as refusal:
            if refusal.status >= 500 or refusal.code == "version-conflict":
                raise
            self._refused(due, refusal)
        else:
            with self._pool.connection() as connection:
                self._rows.forget_command(connection, due.command_id)

    def _due_in_s(self) -> float | None:
        with self._pool.connection() as connection:
            return self._rows.command_due_in_s(connection)

    def _again(self, due: CommandRow, attempts: int, error: Exception) -> None:
        delay_s = longer_pause_s(attempts, FIRST_BACKOFF_S, MAX_BACKOFF_S)
        with self._pool.connection() as connection:
            self._rows.delay_command(connection, due.command_id, safely(error), delay_s)

    def _refused(self, due: CommandRow, refusal: NoCultureError) -> None:
        if due.saga not in self._sagas:
            raise UnknownSagaOfCommand(due.saga)
        step_batch = StepBatch(self._sagas[due.saga], self._store, self._codec, self._rows)
        cause = Cause(
            kind="refusal",
            name=due.name,
            reference=due.command_id,
            tenant=due.tenant,
            correlation_id=due.correlation_id,
            causation_id=due.causation_id,
        )
        heard = Refused(due.name, refusal.code, str(refusal), step_batch.now)
        with self._pool.connection() as connection, connection.transaction():
            self._rows.forget_command(connection, due.command_id)
            step_batch.take(due.stream_id, heard, cause)
            step_batch.write_rows(connection)
            step_batch.append(connection)
        self._store.wake()
