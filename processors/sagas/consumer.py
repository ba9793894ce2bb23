"""A saga as a consumer of the log: each batch of events becomes steps in the batch's own
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from events.envelope import Recorded
from events.errors import NoCultureError
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from processors.consumers.consumer import Connection, Consumer, TryAgain
from processors.sagas.rows import SagaRows
from processors.sagas.step_batch import AlreadyStepped, Cause, StepBatch, append_all
from processors.wake import Wake
from sagas.saga import Happened, Saga


class SagaConsumer(Consumer):
    """Its lane moves the checkpoints, calls `apply`, then `finish` for all sagas (the append, last)
    and, after the commit, `committed`.
    """

    kind = "saga"
    rest_s = 0.05

    def __init__(
        self,
        saga: Saga,
        log: PostgresLog,
        codec: EventCodec,
        commands_due: Wake,
        rows: SagaRows | None = None,
    ) -> None:
        self.name, self.version, self.categories = saga.name, saga.version, saga.categories
        self.types, self.money = frozenset(event.type for event in saga.watches), saga.money
        self._saga, self._log, self._codec = saga, log, codec
        self._commands_due, self._rows = commands_due, rows
        self._step_batch: StepBatch | None = None

    def apply(self, connection: Connection, events: Sequence[Recorded]) -> None:
        step_batch = StepBatch(self._saga, self._log, self._codec, self._rows)
        for event in events:
            stream_id = self._saga.stream_of(event.data)
            if stream_id is None:
                continue
            cause = Cause(
                kind="event",
                name=event.type,
                reference=event.event_id,
                tenant=event.tenant,
                correlation_id=event.correlation_id,
                causation_id=event.event_id,
            )
            step_batch.take(stream_id, Happened(event.data, event.effective_at), cause)
        step_batch.write_rows(connection)
        self._step_batch = step_batch

    @classmethod
    def finish(cls, connection: Connection, consumers: Sequence[SagaConsumer]) -> None:
        """All their steps in one append."""
        try:
            append_all([each._step_batch for each in consumers if each._step_batch], connection)
        except AlreadyStepped:
            # No race that another try could win.
            raise
        except NoCultureError as lost:
            # A timer or a verdict moved a saga meanwhile: the batch reads it anew.
            raise TryAgain from lost

    def committed(self) -> None:
        """After the commit: readers have something to read, the dispatcher something to send."""
        if self._step_batch is not None and self._step_batch.moved:
            self._log.wake()
            self._commands_due.set()
        self._step_batch = None
