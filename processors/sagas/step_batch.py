"""Steps of sagas on their way into the log: their events, and the rows they want done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg

from events.errors import NoCultureError
from events.ids import CommandId, EventId
from events.model import Event
from events.saga_step import SetTimer
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, PendingEvent
from events.times import parse_rfc3339
from processors.sagas.rows import CommandRow, SagaRows, TimerRow
from processors.sagas.steps import Cause, Pending, SagaProgress, saga_progress, take
from sagas.saga import Aborted, Input, Saga

__all__ = ["AlreadyStepped", "Cause", "StepBatch", "append_all", "pending_event"]
Connection = psycopg.Connection[Any]


class AlreadyStepped(NoCultureError):
    """The input made its step before, yet it came again."""

    status, code = 500, "already-stepped"

    def __init__(self, stream_id: str, version: int) -> None:
        super().__init__(f"{stream_id} took this input as step {version}: it came a second time")


@dataclass(slots=True)
class _Stream:
    """`tenant` is that of the saga's first event, whatever workspace its later inputs come from.
    `timers` are those that the batch sets, `kept` those set before it that all its steps keep; None
    before the first.
    """

    progress: SagaProgress
    cause: Cause
    tenant: str
    events: list[PendingEvent] = field(default_factory=list)
    timers: dict[str, TimerRow] = field(default_factory=dict)
    kept: frozenset[str] | None = None
    aborted: bool = False


class StepBatch:
    """Gathers the steps of one batch in memory, then writes them: rows first, the append last. All
    of them are taken at the time `now`.

    `take` may be called many times, then `write_rows` and `append` once each in the same
    transaction.
    """

    def __init__(
        self, saga: Saga, log: PostgresLog, codec: EventCodec, rows: SagaRows | None = None
    ) -> None:
        self._saga, self.log, self._codec = saga, log, codec
        self._rows = rows or SagaRows()
        self.now = log.clock.now()
        self._streams: dict[str, _Stream] = {}
        self._commands: list[CommandRow] = []

    @property
    def moved(self) -> bool:
        return bool(self._streams)

    def take(
        self, stream_id: str, input: Input, cause: Cause, pending: tuple[Pending, ...] = ()
    ) -> None:
        """Let the saga react; an input that changes nothing leaves no trace.

        Raises what `steps.take` does.
        """
        stream = self._streams.get(stream_id) or self._load(stream_id, cause)
        taken = take(self._saga, stream_id, stream.progress, input, cause, pending)
        if taken is None:
            return
        self._streams[stream_id] = stream
        stream.progress, stepped = taken
        stream.aborted = isinstance(input, Aborted)
        version = stream.progress.version
        event = pending_event(stepped, stream_id, version, stream.tenant, self._codec, self.now)
        stream.events.append(event)
        whose = (stream.tenant, cause.correlation_id, event.event_id)
        name = self._saga.name
        self._commands += [
            CommandRow(c.command_id, name, stream_id, c.name, c.body, *whose)
            for c in stream.progress.sent
        ]
        kept = frozenset(stream.progress.kept)
        stream.kept = kept if stream.kept is None else stream.kept & kept
        stream.timers = {token: row for token, row in stream.timers.items() if token in kept} | {
            t.token: TimerRow(stream_id, t.token, name, self._due_at(t), *whose)
            for t in stream.progress.timers
        }

    def _due_at(self, timer: SetTimer) -> datetime:
        return parse_rfc3339(timer.at) if timer.at else self.now + timedelta(seconds=timer.delay_s)

    def write_rows(self, connection: Connection) -> None:
        """Commands to send and timers to fire, in the transaction of the step."""
        timers = [timer for stream in self._streams.values() for timer in stream.timers.values()]
        stepped = {name: stream.kept or () for name, stream in self._streams.items()}
        aborted = [name for name, stream in self._streams.items() if stream.aborted]
        self._rows.write(connection, self._commands, timers, stepped, aborted, self.now)

    def appends(self) -> list[Append]:
        """One per stream, its command id made of the saga and the first input it took."""
        return [
            Append(
                command_id=CommandId.derived(
                    self._saga.name, stream_id, stream.cause.reference, "step"
                ),
                input_hash=b"",
                actor=None,
                tenant=stream.tenant,
                correlation_id=stream.cause.correlation_id,
                causation_id=stream.cause.causation_id,
                events=tuple(stream.events),
            )
            for stream_id, stream in self._streams.items()
        ]

    def append(self, connection: Connection) -> None:
        """As `append_all`, of this batch alone."""
        append_all([self], connection)

    def _load(self, stream_id: str, cause: Cause) -> _Stream:
        newest = self.log.events.stream(stream_id, newest_first=True, limit=1)
        if not newest:
            return _Stream(SagaProgress(), cause, cause.tenant)
        recorded = self._codec.decode(newest[0])
        if recorded is None:
            raise TypeError(f"{stream_id} ends in a {newest[0].type}, which is no saga step")
        return _Stream(saga_progress(self._saga, recorded), cause, recorded.tenant)


def append_all(batches: Sequence[StepBatch], connection: Connection) -> None:
    """The steps themselves, as the transaction's last statement. Raises the first lost verdict, or
    AlreadyStepped.
    """
    appends = [append for batch in batches for append in batch.appends()]
    if not appends:
        return
    verdicts = batches[0].log.append_in(connection, appends)
    for append, verdict in zip(appends, verdicts, strict=True):
        if isinstance(verdict, Exception):
            raise verdict
        if verdict.replayed:
            raise AlreadyStepped(append.events[0].stream_id, verdict.stream_version)


def pending_event(
    event: Event,
    stream_id: str,
    stream_version: int,
    tenant: str,
    codec: EventCodec,
    effective_at: datetime,
) -> PendingEvent:
    event_id = EventId.new()
    return PendingEvent(
        event_id=event_id,
        stream_id=stream_id,
        stream_version=stream_version,
        category=event.category,
        type=event.type,
        version=event.version,
        effective_at=effective_at,
        data=codec.encode(event, event_id, stream_id, tenant),
    )
