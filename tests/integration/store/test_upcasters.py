"""An event stored as version 1 is read as version 3 everywhere: loads, consumers, snapshots."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from commands.unit import Commands
from events.errors import UnknownEventVersion
from events.ids import AssetId, EventId
from events.log.records import from_record, to_record
from events.model import Event, Personal, Registry
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import PendingEvent
from events.times import utc_now
from tests.conftest import Database
from tests.integration.store.conftest import TENANT, append_of

LOAN, READER = AssetId.new(), "acc_" + "7" * 32
SELF = sys.modules[__name__]
STORED_AS = __name__


@dataclass(frozen=True)
class Loan:
    hours: tuple[int, ...] = ()
    reader: str | None = None


def evolve(loan: Loan | None, event: Event) -> Loan | None:
    """Knows the newest version only: no aggregate ever sees another."""
    assert event.version == 3
    return Loan((*(loan.hours if loan else ()), event.hours), event.reader)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    own = Registry()
    monkeypatch.setattr("events.model.REGISTRY", own)
    monkeypatch.setattr("events.store.codec.REGISTRY", own)
    return own


@pytest.fixture
def stored_as_1(registry: Registry, log: PostgresLog, codec: EventCodec) -> Registry:
    """In the log since the first release; then the model changed twice."""

    class First(Event, type="loan.opened", version=1, subject="reader_id"):
        reader_id: str
        days: int
        name: Personal[str]

    store(log, codec, First(reader_id=READER, days=2, name="Ada"), 1)

    class Second(Event, type="loan.opened", version=2, subject="reader_id"):
        reader_id: str
        hours: int
        name: Personal[str]

    @registry.upcast("loan.opened", 1)
    def to_2(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "hours": data.pop("days") * 24}

    store(log, codec, Second(reader_id=READER, hours=5, name="Ada"), 2)

    class Third(Event, type="loan.opened", version=3, subject="reader_id"):
        reader_id: str
        hours: int
        reader: Personal[str]

    @registry.upcast("loan.opened", 2)
    def to_3(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "reader": data.pop("name")}

    store(log, codec, Third(reader_id=READER, hours=1, reader="Ada"), 3)
    registry.check()
    return registry


def store(log: PostgresLog, codec: EventCodec, event: Event, stream_version: int) -> None:
    event_id = EventId.new()
    log.append(
        append_of(
            PendingEvent(
                event_id=event_id,
                stream_id=LOAN,
                stream_version=stream_version,
                category=event.category,
                type=event.type,
                version=event.version,
                effective_at=utc_now(),
                data=codec.encode(event, event_id, LOAN, TENANT),
            )
        )
    )


def test_an_aggregate_loads_from_all_versions(stored_as_1: Registry, commands: Commands):
    loaded = commands.load(SELF, LOAN)
    assert (loaded.state, loaded.version) == (Loan((48, 5, 1), "Ada"), 3)


def test_a_consumer_decodes_the_newest_from_what_kafka_holds(
    stored_as_1: Registry, log: PostgresLog, codec: EventCodec
):
    newest = stored_as_1.newest("loan.opened")
    for envelope, hours in zip(log.events.after(0, 10), (48, 5, 1), strict=True):
        record = to_record(envelope, "/noculture/log_1/1")
        recorded = codec.decode(from_record(record.topic, record.value, record.headers))
        assert recorded is not None
        assert recorded.data == newest(reader_id=READER, hours=hours, reader="Ada")


def test_the_stored_bytes_and_their_version_stay_as_they_were(
    stored_as_1: Registry, log: PostgresLog
):
    first = log.events.after(0, 1)[0]
    assert first.version == 1
    assert b'"days":2' in first.data
    assert b"hours" not in first.data


def test_a_personal_value_under_its_old_field_name_still_opens_and_is_still_erased(
    stored_as_1: Registry, log: PostgresLog, codec: EventCodec, database: Database
):
    """It was encrypted as `name`; today the field is called `reader`."""
    first = log.events.after(0, 1)[0]
    assert b"Ada" not in first.data
    assert codec.decode(first).data.reader == "Ada"
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("DELETE FROM subject_keys")
    codec.keys._cache.clear()
    assert codec.decode(first).data.reader is None


def test_a_process_that_knows_only_version_1_stops_at_version_2_instead_of_guessing(
    stored_as_1: Registry, log: PostgresLog, codec: EventCodec, monkeypatch: pytest.MonkeyPatch
):
    old = Registry()
    old.add(stored_as_1.all()[0])
    monkeypatch.setattr("events.store.codec.REGISTRY", old)
    first, second, _ = log.events.after(0, 10)
    assert codec.decode(first).data.days == 2
    with pytest.raises(UnknownEventVersion, match="upgrade it"):
        codec.decode(second)
