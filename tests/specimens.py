"""A specimen of what names people: an event as a sheet or a booking will have it.

Its type is unknown to the product, so that consumers skip it, and known only to `read`.
"""

from __future__ import annotations

import json

import pytest

from commands.unit import Commands
from events.envelope import Envelope
from events.ids import AccountId, CommandId, CorrelationId, EventId, PartyId, WorkspaceId
from events.model import Event, Part, Personal, Registry
from events.store.pending import Append, PendingEvent
from events.times import utc_now

REGISTRY = Registry()
with pytest.MonkeyPatch.context() as patch:
    patch.setattr("events.model.REGISTRY", REGISTRY)

    class Named(Part, subject="who"):
        """Somebody with or without an account, as the one who names them knows them."""

        who: AccountId | PartyId
        name: Personal[str]

    class PartiesNamed(Event, type="party.specimen_named", version=1):
        """Several people are named at once, in a list and by their part."""

        workspace_id: WorkspaceId
        parties: tuple[Named, ...]
        by_part: dict[str, Named]


def name_them(
    commands: Commands, workspace: WorkspaceId, *parties: Named, **by_part: Named
) -> Envelope:
    """Append the specimen to a stream of the workspace."""
    event = PartiesNamed(workspace_id=workspace, parties=parties, by_part=by_part)
    event_id, stream = EventId.new(), f"she_{EventId.new()[4:]}"
    pending = PendingEvent(
        event_id=event_id,
        stream_id=stream,
        stream_version=1,
        category=event.category,
        type=event.type,
        version=event.version,
        effective_at=utc_now(),
        data=commands.codec.encode(event, event_id, stream, workspace),
    )
    commands.log.append(
        Append(
            command_id=CommandId.new(),
            input_hash=b"i" * 32,
            actor=None,
            tenant=workspace,
            correlation_id=CorrelationId.new(),
            causation_id=None,
            events=(pending,),
        )
    )
    return commands.log.events.stream(stream)[0]


def read(commands: Commands, named: Envelope) -> PartiesNamed:
    where = (named.event_id, named.stream_id, named.tenant)
    data = commands.codec.reveal(*where, json.loads(named.data))
    event = REGISTRY.read(named.type, named.version, data)
    assert isinstance(event, PartiesNamed)
    return event
