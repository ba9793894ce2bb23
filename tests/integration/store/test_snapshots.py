"""Snapshots: a load of a long stream reads only the tail, and is what all its events would give."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg_pool import ConnectionPool

from aggregates.vault import asset
from commands import loading
from commands.loading import EVERY_VERSIONS
from commands.unit import CommandContext, Commands
from events.account.account import AccountRegistered
from events.ids import AccountId, AssetId, CommandId, CorrelationId, EventId
from events.model import Event
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import PendingEvent
from events.times import utc_now
from events.vault.audio import AudioFacts, Tags
from tests.conftest import Database
from tests.integration.store.conftest import TENANT, append_of

FACTS = AudioFacts(duration_s=1, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=1)
MUSICIAN = AccountId.new()
SELF = sys.modules[__name__]
STORED_AS = __name__


@dataclass(frozen=True)
class Person:
    """A state that keeps personal values, which none of ours does as it is written."""

    emails: tuple[str | None, ...] = ()


def evolve(person: Person | None, event: Event) -> Person | None:
    assert isinstance(event, AccountRegistered)
    return Person((*(person.emails if person else ()), event.email))


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


def verified(asset_id: AssetId) -> list[Event]:
    uploaded = asset.upload(
        None,
        asset_id=asset_id,
        workspace_id=TENANT,
        uploaded_by=MUSICIAN,
        filename="a.wav",
        sha256=asset_id[4:] * 2,
        size_bytes=1,
    ).events
    state = fold(asset, uploaded)
    read = asset.verify(state, asset_id=asset_id, tags=Tags(), audio=FACTS, cover=None)
    return [*uploaded, *read.events]


def edited(asset_id: AssetId, count: int) -> list[Event]:
    """A verified asset and `count` edits of its title."""
    events = verified(asset_id)
    edit = asset.edit_tags(
        fold(asset, events), asset_id=asset_id, edited_by=MUSICIAN, changes={"title": "x"}
    ).events[0]
    titles = (Tags(title=f"take {number}") for number in range(count))
    return [*events, *(edit.model_copy(update={"tags": tags}) for tags in titles)]


def registered(account_id: AccountId, email: str) -> AccountRegistered:
    return AccountRegistered(account_id=account_id, workspace_id=TENANT, email=email, name="Ada")


def fold(module: ModuleType, events) -> object:
    state = None
    for event in events:
        state = module.evolve(state, event)
    return state


def store(log: PostgresLog, codec: EventCodec, stream: str, events: list[Event], after: int = 0):
    """Straight into the log, past every cache."""
    pending = []
    for version, event in enumerate(events, after + 1):
        event_id = EventId.new()
        pending.append(
            PendingEvent(
                event_id=event_id,
                stream_id=stream,
                stream_version=version,
                category=event.category,
                type=event.type,
                version=event.version,
                effective_at=utc_now(),
                data=codec.encode(event, event_id, stream, TENANT),
            )
        )
    log.append(append_of(*pending))


def fresh_process(log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> Commands:
    return Commands(log, pool, codec, b"k" * 32)


def snapshots(pool: ConnectionPool) -> list[tuple[str, int]]:
    with pool.connection() as connection:
        return connection.execute("SELECT stream_id, stream_version FROM snapshots").fetchall()


class EventsRead:
    """Counts what the store hands out of streams."""

    def __init__(self, log: PostgresLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self._stream = 0, log.events.stream
        monkeypatch.setattr(log.events, "stream", self._counting)

    def _counting(self, *arguments, **keywords):
        found = self._stream(*arguments, **keywords)
        self.count += len(found)
        return found

    def of(self, load) -> int:
        self.count = 0
        load()
        return self.count


def test_a_load_of_a_long_stream_reads_only_the_tail_behind_its_snapshot(
    log: PostgresLog,
    pool: ConnectionPool,
    codec: EventCodec,
    monkeypatch: pytest.MonkeyPatch,
):
    stream = AssetId.new()
    events = edited(stream, 4_998)
    store(log, codec, stream, events)
    read = EventsRead(log, monkeypatch)
    assert read.of(lambda: fresh_process(log, pool, codec).load(asset, stream)) == 5_000
    assert snapshots(pool) == [(stream, 5_000)]
    store(log, codec, stream, events[-3:], after=5_000)
    second = fresh_process(log, pool, codec)
    assert read.of(lambda: second.load(asset, stream)) == 3
    loaded = second.load(asset, stream)
    assert (loaded.state, loaded.version) == (fold(asset, events), 5_003)
    assert loaded.position == log.events.head()


def test_a_fresh_load_reads_only_what_others_appended_since(
    commands: Commands, log: PostgresLog, codec: EventCodec, monkeypatch: pytest.MonkeyPatch
):
    stream = AssetId.new()
    events = edited(stream, 10)
    store(log, codec, stream, events)
    commands.load(asset, stream)
    read = EventsRead(log, monkeypatch)
    assert read.of(lambda: commands.load(asset, stream)) == 0
    store(log, codec, stream, events[-2:], after=12)
    assert read.of(lambda: commands.load(asset, stream, fresh=True)) == 2
    assert commands.load(asset, stream).version == 14


def test_a_cached_aggregate_gets_a_snapshot_every_so_many_versions(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    stream = AssetId.new()
    store(log, codec, stream, edited(stream, EVERY_VERSIONS - 4))
    commands.load(asset, stream)
    seen = []
    for number in range(3):
        edit_title(commands, stream, f"new {number}")
        seen.append(snapshots(pool))
    assert seen == [[], [(stream, EVERY_VERSIONS)], [(stream, EVERY_VERSIONS)]]


def edit_title(commands: Commands, stream: AssetId, title: str) -> None:
    context = CommandContext(MUSICIAN, TENANT, CommandId.new(), CorrelationId.new())
    unit = commands.unit(context, input=title)
    unit.change(asset, stream, asset.edit_tags, edited_by=MUSICIAN, changes={"title": title})
    unit.commit()


STEPS = st.lists(st.sampled_from(["a", "b", "other process", "restart", "lost"]), max_size=14)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_state_is_the_same_with_and_without_snapshots(
    database: Database,
    log: PostgresLog,
    pool: ConnectionPool,
    codec: EventCodec,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[str],
):
    monkeypatch.setattr(loading, "EVERY_VERSIONS", 2)
    stream = AssetId.new()
    store(log, codec, stream, verified(stream))
    here, there = fresh_process(log, pool, codec), fresh_process(log, pool, codec)
    for number, step in enumerate(steps):
        match step:
            case "restart":
                here = fresh_process(log, pool, codec)
            case "lost":
                with psycopg.connect(database.owner_url) as connection:
                    connection.execute("DELETE FROM snapshots")
            case "other process":
                edit_title(there, stream, f"theirs {number}")
            case letter:
                edit_title(here, stream, letter)
    recorded = [codec.decode(envelope) for envelope in log.events.stream(stream)]
    from_events = fold(asset, [event.data for event in recorded if event])
    for commands in (here, fresh_process(log, pool, codec)):
        loaded = commands.load(asset, stream, fresh=True)
        assert (loaded.state, loaded.version) == (from_events, len(recorded))


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE snapshots SET state = set_byte(state, 20, get_byte(state, 20) # 1)",
        "UPDATE snapshots SET state = '{}'",
        "UPDATE snapshots SET mac = ''",
        "UPDATE snapshots SET shape = 'of an older version'",
        "UPDATE snapshots SET hash = sha256('another history')",
        "UPDATE snapshots SET stream_version = stream_version - 1, hash ="
        " (SELECT hash FROM events e WHERE e.stream_version = snapshots.stream_version - 1)",
    ],
    ids=["flipped byte", "other state", "unsigned", "other shape", "other history", "other place"],
)
def test_a_snapshot_that_cannot_be_trusted_is_ignored_and_replaced(
    log: PostgresLog,
    pool: ConnectionPool,
    codec: EventCodec,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
):
    stream = AssetId.new()
    events = edited(stream, EVERY_VERSIONS)
    store(log, codec, stream, events)
    fresh_process(log, pool, codec).load(asset, stream)
    with pool.connection() as connection:
        assert connection.execute(harm).rowcount == 1
    read = EventsRead(log, monkeypatch)
    loaded = fresh_process(log, pool, codec)
    assert read.of(lambda: loaded.load(asset, stream)) == len(events)
    assert loaded.load(asset, stream).state == fold(asset, events)
    assert read.of(lambda: fresh_process(log, pool, codec).load(asset, stream)) == 0


def test_a_snapshot_ahead_of_a_restored_stream_is_ignored_and_replaced(
    log: PostgresLog, pool: ConnectionPool, codec: EventCodec, owner: psycopg.Connection
):
    stream = AssetId.new()
    events = edited(stream, 2 * EVERY_VERSIONS)
    store(log, codec, stream, events)
    fresh_process(log, pool, codec).load(asset, stream)
    owner.execute("DELETE FROM events WHERE stream_version > %s", (EVERY_VERSIONS,))
    owner.execute("DELETE FROM commands")
    loaded = fresh_process(log, pool, codec).load(asset, stream)
    assert (loaded.version, loaded.state) == (EVERY_VERSIONS, fold(asset, events[:EVERY_VERSIONS]))
    assert snapshots(pool) == [(stream, EVERY_VERSIONS)]


def test_an_older_snapshot_does_not_replace_a_newer_one(
    log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    stream = AssetId.new()
    store(log, codec, stream, edited(stream, EVERY_VERSIONS))
    slow = fresh_process(log, pool, codec)
    behind = slow.load(asset, stream)
    store(log, codec, stream, edited(stream, EVERY_VERSIONS)[2:], after=EVERY_VERSIONS + 2)
    fresh_process(log, pool, codec).load(asset, stream)
    slow.aggregates.remember(asset, stream, replace(behind, snapshot=0))
    assert snapshots(pool) == [(stream, 2 * EVERY_VERSIONS + 2)]


def test_a_snapshot_that_cannot_be_written_fails_no_command(
    commands: Commands,
    log: PostgresLog,
    pool: ConnectionPool,
    codec: EventCodec,
    owner: psycopg.Connection,
):
    owner.execute("REVOKE INSERT ON snapshots FROM noculture_app")
    stream = AssetId.new()
    store(log, codec, stream, edited(stream, EVERY_VERSIONS))
    edit_title(commands, stream, "still written")
    assert log.events.stream(stream)[-1].stream_version == EVERY_VERSIONS + 3
    assert snapshots(pool) == []


def test_personal_values_lie_in_a_snapshot_only_under_their_subjects_key(
    log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    ada, everybody = AccountId.new(), [f"canary{n}@example.org" for n in range(EVERY_VERSIONS)]
    store(log, codec, ada, [registered(ada, email) for email in everybody])
    fresh_process(log, pool, codec).load(SELF, ada)
    with pool.connection() as connection:
        row = connection.execute("SELECT state, subject, tenant FROM snapshots").fetchone()
    assert row is not None
    assert b"canary" not in row[0]
    assert row[1:] == (ada, TENANT)
    assert fresh_process(log, pool, codec).load(SELF, ada).state == Person(tuple(everybody))


def test_once_the_key_is_destroyed_a_snapshot_says_nothing_and_none_is_made_again(
    database: Database, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    ada = AccountId.new()
    store(log, codec, ada, [registered(ada, "ada@example.org")] * EVERY_VERSIONS)
    here = fresh_process(log, pool, codec)
    here.load(SELF, ada)
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("DELETE FROM subject_keys")
    codec.keys._cache.clear()
    here.aggregates.forget_subject(ada)
    nobody = Person((None,) * EVERY_VERSIONS)
    for commands in (here, fresh_process(log, pool, codec)):
        assert commands.load(SELF, ada).state == nobody
    with pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM subject_keys").fetchone() == (0,)


def test_a_state_of_several_people_has_no_snapshot(
    log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    people = [AccountId.new() for _ in range(2)]
    store(log, codec, people[0], [registered(p, "x@example.org") for p in people] * EVERY_VERSIONS)
    loaded = fresh_process(log, pool, codec).load(SELF, people[0])
    assert loaded.subjects == set(people)
    assert snapshots(pool) == []
