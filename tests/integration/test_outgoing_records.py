"""What Postgres makes for the relay is what `to_record` makes of the same event."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from events.log import outgoing
from events.log.outgoing import OutgoingRecords
from events.log.partitions import partition_of
from events.log.records import to_record
from events.store.postgres import PostgresEvents
from events.times import to_micros
from tests.conftest import Database
from tests.integration.consumers.support import Writer, pool_of

SOURCE = "/noculture/log_1/1"
MOMENTS = (
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 11, 22, 16, 29, 14, 1, tzinfo=UTC),
)


@pytest.fixture
def written(database: Database) -> int:
    """The last position of a log with every shape a header can have."""
    writer = Writer(database.app_url)
    last = writer.lives(12)
    writer.close()
    changes = [("recorded_at = %s, effective_at = %s", (moment, moment)) for moment in MOMENTS] + [
        ("actor = NULL, causation_id = NULL", ()),
        ("actor = 'acc_ü', causation_id = %s", ("é" * 40,)),
        ("tenant = '日本', correlation_id = '🎵', data = %s", ('{"a": "ß"}'.encode(),)),
    ]
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        for position, (change, values) in enumerate(changes, 1):
            connection.execute(
                f"UPDATE events SET {change} WHERE position = %s", (*values, position)
            )
    return last


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_every_field_is_the_same(database: Database, written: int, zone: str):
    with pool_of(f"{database.app_url}?options=-c%20timezone%3D{zone}") as pool:
        events = PostgresEvents(pool).after(0, 1_000)
        records = OutgoingRecords(pool, SOURCE).after(0, 1_000)
    assert len(records) == written
    for event, record in zip(events, records, strict=True):
        wanted = to_record(event, SOURCE)
        assert (record.key, record.value) == (wanted.key, wanted.value)
        assert record.headers == wanted.headers
        assert record.partition == partition_of(event)
        assert record.timestamp_ms == to_micros(event.recorded_at) // 1000
        assert (record.position, record.stream_id, record.stream_version) == (
            event.position,
            event.stream_id,
            event.stream_version,
        )


def test_pages_hold_to_their_limits_and_leave_nothing_out(
    database: Database, written: int, monkeypatch: pytest.MonkeyPatch
):
    with pool_of(database.app_url) as pool:
        log = OutgoingRecords(pool, SOURCE)
        assert positions(log, 5) == list(range(1, written + 1))
        assert {
            record.partition.topic for page in log.walk(0, 5, ["asset"]) for record in page
        } == {"noculture.events.asset"}
        monkeypatch.setattr(outgoing, "PAGE_BYTES", 700)
        assert positions(log, 1_000) == list(range(1, written + 1))
        for page in log.walk(0, 1_000):
            assert sum(len(record.value) for record in page[:-1]) < 700
        # One event larger than a page is a page of its own.
        monkeypatch.setattr(outgoing, "PAGE_BYTES", 1)
        assert [len(page) for page in log.walk(0, 1_000)] == [1] * written


def positions(log: OutgoingRecords, limit: int) -> list[int]:
    return [record.position for page in log.walk(0, limit) for record in page]
