"""Our log under `eventsourcing`: its EventStore and Repository on our recorder and mapper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Mapper,
    Notification,
    ProgrammingError,
    StoredEvent,
    Subscription,
)

from events.envelope import Envelope
from events.errors import UnknownEventVersion
from events.ids import CommandId, CorrelationId, EventId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Append, PendingEvent, VersionConflict


@dataclass(frozen=True)
class StoredEnvelope(StoredEvent):
    """The library's stored event with our metadata.

    `topic` is the stable type name, never a Python path.
    """

    envelope: Envelope


class EventMapper(Mapper[str]):
    """Type and version choose the model, pydantic validates, personal fields are opened."""

    def __init__(self, codec: EventCodec) -> None:
        self._codec = codec

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Encodes a `Recorded`; the unit of work encodes new events: it knows their command."""
        envelope = domain_event.envelope
        where = (envelope.event_id, envelope.stream_id, envelope.tenant)
        data = self._codec.encode(domain_event.data, *where)
        return StoredEnvelope(
            envelope.stream_id, envelope.stream_version, envelope.type, data, envelope
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        if not isinstance(stored_event, StoredEnvelope):
            raise ProgrammingError("only events read from our log carry their envelope")
        recorded = self._codec.decode(stored_event.envelope)
        if recorded is None:
            # Deciding without knowing what happened would be guessing.
            raise UnknownEventVersion(stored_event.topic, stored_event.envelope.version, 0)
        return recorded


class LogRecorder(ApplicationRecorder):
    """The library's application recorder on our one append function.

    Events without a command of ours get one each call; `tenant` may be given as a keyword.
    """

    def __init__(self, log: PostgresLog, tenant: str = "wsp_" + "0" * 32) -> None:
        self._log, self._tenant = log, tenant

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        if not stored_events:
            return None
        append = Append(
            command_id=CommandId.new(),
            input_hash=b"",
            actor=None,
            tenant=kwargs.get("tenant", self._tenant),
            correlation_id=CorrelationId.new(),
            causation_id=None,
            events=tuple(
                PendingEvent(
                    event_id=EventId.new(),
                    stream_id=str(event.originator_id),
                    stream_version=event.originator_version,
                    category=event.topic.partition(".")[0],
                    type=event.topic,
                    version=1,
                    effective_at=self._log.clock.now(),
                    data=event.state,
                )
                for event in stored_events
            ),
        )
        try:
            committed = self._log.append(append)
        except VersionConflict as conflict:
            raise IntegrityError(str(conflict)) from conflict
        last = committed.position
        return list(range(last - len(stored_events) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        envelopes = self._log.events.stream(
            str(originator_id),
            after_version=gt or 0,
            up_to_version=lte,
            newest_first=desc,
            limit=limit,
        )
        return [
            StoredEnvelope(originator_id, e.stream_version, e.type, e.data, e) for e in envelopes
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if inclusive_of_start and start else 0)
        envelopes = self._log.events.after(after, limit, types=topics or None, up_to=stop)
        return [
            Notification(e.stream_id, e.stream_version, e.type, e.data, e.position)
            for e in envelopes
        ]

    def max_notification_id(self) -> int | None:
        return self._log.events.head() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return LogSubscription(self, gt, topics)


class LogSubscription(ListenNotifySubscription[ApplicationRecorder]):
    """Polls: the library's subscriptions serve its test cases and tools.

    Our readers use events/log.
    """

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(0.05)
        except BaseException as error:
            self._thread_error = self._thread_error or error
            self.stop()
