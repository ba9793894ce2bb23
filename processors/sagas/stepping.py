"""One step of a saga: from an input to the append of its step and the rows it wants done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import psycopg

from events.ids import CommandId, EventId
from events.ingest import SagaInput, SentCommand, SetTimer
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, PendingEvent, VersionConflict
from events.times import utc_now
from sagas.saga import Input, Saga

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """What brought the input: kind, name and reference, whose it is, what it followed from."""

    kind: str
    name: str
    reference: str
    tenant: str
    correlation_id: str
    causation_id: str | None


@dataclass(slots=True)
class _Stream:
    state: Any
    version: int
    cause: Cause
    events: list[PendingEvent] = field(default_factory=list)


class Stepping:
    """Gathers the steps of one batch in memory, then writes them: rows first, the append last.

    `take` may be called many times, then `write_rows` and `append` once each in the same
    transaction.
    """

    def __init__(self, saga: Saga, log: PostgresLog, codec: EventCodec) -> None:
        self._saga, self._log, self._codec = saga, log, codec
        self._streams: dict[str, _Stream] = {}
        self._commands: list[tuple[Any, ...]] = []
        self._timers: dict[str, list[tuple[Any, ...]]] = {}

    @property
    def moved(self) -> bool:
        return bool(self._timers)

    def take(self, stream_id: str, input: Input, cause: Cause) -> None:
        """Let the saga react; an input that changes nothing leaves no trace."""
        stream = self._streams.get(stream_id) or self._load(stream_id, cause)
        step = self._saga.react(stream.state, input)
        if step is None:
            return
        self._streams[stream_id] = stream
        sent = tuple(
            SentCommand(
                # Deterministic: the same input taken twice sends the same commands, done once.
                command_id=CommandId.derived(self._saga.name, stream_id, cause.reference, index),
                name=type(command).__name__,
                body=command.model_dump(mode="json"),
            )
            for index, command in enumerate(step.send)
        )
        name, memory = self._saga.remember(step.state)
        stepped = self._saga.stepped.model_validate(
            {
                "input": SagaInput(kind=cause.kind, name=cause.name, reference=cause.reference),
                "state": name,
                "memory": memory,
                "sent": sent,
                "timers": tuple(SetTimer(token=t.token, delay_s=t.delay_s) for t in step.wait),
            }
        )
        stream.state = step.state
        event_id = EventId.new()
        stream.events.append(
            PendingEvent(
                event_id=event_id,
                stream_id=stream_id,
                stream_version=stream.version + len(stream.events) + 1,
                category=stepped.category,
                type=stepped.type,
                version=stepped.version,
                effective_at=utc_now(),
                data=self._codec.encode(stepped, event_id),
            )
        )
        self._commands += [
            (
                command.command_id,
                self._saga.name,
                stream_id,
                command.name,
                json.dumps(command.body),
                cause.tenant,
                cause.correlation_id,
                event_id,
            )
            for command in sent
        ]
        self._timers[stream_id] = [
            (stream_id, timer.token, self._saga.name, timer.delay_s, cause.tenant)
            for timer in step.wait
        ]

    def write_rows(self, connection: Connection) -> None:
        """Commands to send and timers to fire, in the transaction of the step."""
        cursor = connection.cursor()
        if self._commands:
            cursor.executemany(
                "INSERT INTO saga_commands (command_id, saga, stream_id, name, body, tenant,"
                " correlation_id, causation_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (command_id) DO NOTHING",
                self._commands,
            )
        if self._timers:
            cursor.execute(
                "DELETE FROM saga_timers WHERE stream_id = ANY(%s)", (list(self._timers),)
            )
            timers = [timer for timers in self._timers.values() for timer in timers]
            cursor.executemany(
                "INSERT INTO saga_timers (stream_id, token, saga, due_at, tenant)"
                " VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s), %s)"
                # Set anew by a step committed since the DELETE looked: let the version lose, not
                # this, for a lost version is retried and a violated key would park the saga.
                " ON CONFLICT (stream_id, token) DO UPDATE SET due_at = excluded.due_at",
                timers,
            )

    def append(self, connection: Connection) -> None:
        """The steps themselves, as the transaction's last statement.

        Raises the first lost verdict.
        """
        appends = [
            Append(
                command_id=CommandId.derived(
                    self._saga.name, stream_id, stream.cause.reference, "step"
                ),
                input_hash=b"",
                actor=None,
                tenant=stream.cause.tenant,
                correlation_id=stream.cause.correlation_id,
                causation_id=stream.cause.causation_id,
                events=tuple(stream.events),
            )
            for stream_id, stream in self._streams.items()
            if stream.events
        ]
        if not appends:
            return
        for append, verdict in zip(appends, self._log.append_in(connection, appends), strict=True):
            if isinstance(verdict, Exception):
                raise verdict
            if verdict.replayed:
                raise VersionConflict(append.events[0].stream_id, 0, verdict.stream_version)

    def _load(self, stream_id: str, cause: Cause) -> _Stream:
        newest = self._log.events.stream(stream_id, newest_first=True, limit=1)
        if not newest:
            return _Stream(None, 0, cause)
        recorded = self._codec.decode(newest[0])
        if recorded is None:
            raise TypeError(f"{stream_id} ends in a {newest[0].type}, which is no saga step")
        step = recorded.data.model_dump()
        state = self._saga.recall(step["state"], step["memory"])
        return _Stream(state, newest[0].stream_version, cause)
