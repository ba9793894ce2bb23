"""An event counts from its command's time, unless the decision names another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from aggregates.decision import Decision
from aggregates.vault import asset
from commands.unit import CommandContext, Commands, Unit
from events.envelope import Envelope
from events.ids import AccountId, AssetId, CommandId, CorrelationId, WorkspaceId
from events.log.partitions import partition_of
from events.log.proof import MAC_HEADER, RecordMac, RecordMacs
from events.log.records import from_record, source_of, to_record
from events.store.verify import verify
from tests.conftest import Database

# Before the epoch of Postgres, to the microsecond; and in a zone, in the hour after one was lost.
LONG_AGO = datetime(1999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
IN_BERLIN = datetime.fromisoformat("2026-03-29T03:30:00+02:00")
KEY = b"k" * 32


def counting_from(moment: datetime) -> Any:
    def rule(state: Any, asset_id: AssetId, **said: Any) -> Decision:
        decided = asset.upload(state, asset_id, **said)
        return Decision(*decided.events, takes=decided.takes, effective_at=moment)

    return rule


def upload(commands: Commands, rule: Any = asset.upload) -> tuple[Unit, Envelope]:
    asset_id = AssetId.new()
    context = CommandContext(
        AccountId.new(), WorkspaceId.new(), CommandId.new(), CorrelationId.new()
    )
    unit = commands.unit(context, input={})
    unit.start(
        *(asset, asset_id, rule),
        workspace_id=context.tenant,
        uploaded_by=context.actor,
        filename="a.wav",
        sha256=asset_id[4:] * 2,
        size_bytes=1,
    )
    unit.commit()
    (envelope,) = commands.log.events.stream(asset_id)
    return unit, envelope


def test_an_event_counts_from_the_time_of_its_command(commands: Commands):
    before = commands.log.clock.now()
    unit, envelope = upload(commands)
    assert envelope.effective_at == unit.now
    assert before <= unit.now <= commands.log.clock.now()


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (LONG_AGO, "1999-12-31T23:59:59.123456Z"),
        (IN_BERLIN, "2026-03-29T01:30:00.000000Z"),
    ],
)
def test_or_from_the_time_that_was_decided_as_every_reader_is_told(
    commands: Commands, moment: datetime, told: str
):
    _, envelope = upload(commands, counting_from(moment))
    assert envelope.effective_at == moment < envelope.recorded_at
    assert envelope.to_json()["effective_at"] == told
    record = to_record(envelope, source_of("log_1", 1))
    assert dict(record.headers)["ce_effectiveat"] == told.encode()
    assert from_record(record.topic, record.value, record.headers) == envelope


def test_the_decided_time_is_under_the_hash_and_the_mac(commands: Commands, database: Database):
    _, envelope = upload(commands, counting_from(LONG_AGO))
    record, partition = to_record(envelope, source_of("log_1", 1)), partition_of(envelope)
    mac = RecordMac(KEY).of(partition, record.key, record.value, record.headers)
    later = [
        (name, b"2000-01-01T00:00:00.000000Z" if name == "ce_effectiveat" else value)
        for name, value in record.headers
    ]
    for headers, proven in ((record.headers, True), (later, False)):
        signed = [*headers, (MAC_HEADER, mac)]
        assert (
            RecordMacs(lambda: [KEY]).prove(partition, record.key, record.value, signed) is proven
        )
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        assert verify(owner).ok
        owner.execute("UPDATE events SET effective_at = recorded_at WHERE position = 1")
        assert verify(owner).position == 1
