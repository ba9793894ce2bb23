"""An operator's hand on a saga: what was done and why, and the step it led to, in one append."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from psycopg_pool import ConnectionPool

from events.envelope import Envelope
from events.errors import InvalidId, NoCultureError
from events.ids import AccountId, Id, OperationId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, Committed, InputMismatch, VersionConflict
from events.system.operation import Action, SagaOperated
from processors.consumers.consumer import Connection
from processors.sagas.rows import SagaRows
from processors.sagas.step_batch import StepBatch, pending_event
from processors.sagas.steps import Cause, Pending, saga_progress
from sagas.errors import UnknownSaga
from sagas.saga import Aborted, Retried, Saga, Skipped

_INPUTS: dict[Action, type[Retried] | type[Skipped] | type[Aborted]] = {
    "retry": Retried,
    "skip": Skipped,
    "abort": Aborted,
}


class Operating:
    """`awake` is called after a commit: there may be commands to send."""

    def __init__(
        self,
        sagas: Mapping[str, Saga],
        store: PostgresLog,
        pool: ConnectionPool,
        codec: EventCodec,
        rows: SagaRows | None = None,
        awake: Callable[[], None] = lambda: None,
    ) -> None:
        self._of_step = {saga.stepped.type: saga for saga in sagas.values()}
        self._store, self._pool, self._codec = store, pool, codec
        self._rows, self._awake = rows or SagaRows(), awake

    def operate(
        self,
        action: Action,
        saga_id: str,
        reason: str,
        *,
        operator_id: str | None,
        command_id: str,
        expected_version: int | None,
    ) -> Committed:
        """The same command again gets the first answer.

        Raises UnknownSaga (404), SagaEnded, NotSkippable, NotAbortable, NothingToRetry,
        VersionConflict (409), InputMismatch (422).
        """
        said = [action, saga_id, reason, expected_version]
        input_hash = hashlib.sha256(json.dumps(said).encode()).digest()
        try:
            with self._pool.connection() as connection, connection.transaction():
                committed = self._operate(
                    connection, action, saga_id, reason, operator_id, expected_version,
                    command_id, input_hash,
                )  # fmt: skip
                if committed.replayed:
                    raise _AlreadyDone(committed)
        except _AlreadyDone as done:
            return done.committed
        except NoCultureError:
            # What was committed before is answered as before, whatever the saga is by now.
            if (first := self._answered(command_id, input_hash)) is not None:
                return first
            raise
        self._store.wake()
        self._awake()
        return committed

    def _operate(
        self,
        connection: Connection,
        action: Action,
        saga_id: str,
        reason: str,
        operator_id: str | None,
        expected_version: int | None,
        command_id: str,
        input_hash: bytes,
    ) -> Committed:
        newest = self._newest(saga_id)
        saga = self._of_step[newest.type]
        if expected_version is not None and newest.stream_version != expected_version:
            raise VersionConflict(saga_id, expected_version, newest.stream_version)
        operation = SagaOperated(
            operation_id=OperationId.derived(command_id),
            action=action,
            saga=saga.name,
            saga_id=saga_id,
            state=saga.name_of(saga_progress(saga, self._codec.decode(newest)).state),
            operator_id=None if operator_id is None else AccountId(operator_id),
            reason=reason,
        )
        cause = Cause(
            kind="operator",
            name=action,
            reference=operation.operation_id,
            tenant=newest.tenant,
            correlation_id=newest.correlation_id,
            causation_id=newest.event_id,
        )
        pending: tuple[Pending, ...] = ()
        if action == "retry":
            pending = self._rows.hasten(connection, saga_id, newest.correlation_id)
        step_batch = StepBatch(saga, self._store, self._codec, self._rows)
        step_batch.take(saga_id, _INPUTS[action](step_batch.now), cause, pending)
        step_batch.write_rows(connection)
        (step,) = step_batch.appends()
        recorded = pending_event(
            operation, operation.operation_id, 1, newest.tenant, self._codec, step_batch.now
        )
        return self._append(
            connection,
            replace(
                step,
                command_id=command_id,
                input_hash=input_hash,
                actor=operator_id,
                # The saga's first: its version is the answer.
                events=(*step.events, recorded),
            ),
        )

    def _append(self, connection: Connection, append: Append) -> Committed:
        (verdict,) = self._store.append_in(connection, [append])
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    def _newest(self, saga_id: str) -> Envelope:
        try:
            Id(saga_id)
        except InvalidId as error:
            raise UnknownSaga from error
        newest = self._store.events.stream(saga_id, newest_first=True, limit=1)
        if not newest or newest[0].type not in self._of_step:
            raise UnknownSaga
        return newest[0]

    def _answered(self, command_id: str, input_hash: bytes) -> Committed | None:
        with self._pool.connection() as connection:
            found = self._rows.answered(connection, command_id)
        if found is None:
            return None
        if found[0] != input_hash:
            raise InputMismatch
        return found[1]


class _AlreadyDone(Exception):
    """Rolls back the rows: the first commit of this command wrote them."""

    def __init__(self, committed: Committed) -> None:
        self.committed = committed
