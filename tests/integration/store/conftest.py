from __future__ import annotations

from collections.abc import Callable

import pytest

from events.ids import AssetId, CommandId, CorrelationId, EventId, WorkspaceId
from events.store.pending import Append, PendingEvent
from events.times import utc_now

TENANT = WorkspaceId.new()


def pending(
    stream: str, version: int, *, takes=(), releases=(), data: bytes = b"{}"
) -> PendingEvent:
    return PendingEvent(
        event_id=EventId.new(),
        stream_id=stream,
        stream_version=version,
        category="asset",
        type="asset.tried",
        version=1,
        effective_at=utc_now(),
        data=data,
        takes=takes,
        releases=releases,
    )


def append_of(
    *events: PendingEvent, command: str | None = None, input: bytes = b"i", tenant: str = TENANT
) -> Append:
    return Append(
        command_id=command or CommandId.new(),
        input_hash=input,
        actor=None,
        tenant=tenant,
        correlation_id=CorrelationId.new(),
        causation_id=None,
        events=events,
    )


@pytest.fixture
def a_stream() -> Callable[[], str]:
    return AssetId.new
