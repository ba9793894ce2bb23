"""The unit of work: staged decisions are committed as a whole, once, on what is true now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from aggregates.errors import NotFound
from aggregates.vault import asset
from commands.unit import CommandContext, Commands, Unit
from events.ids import AccountId, AssetId, CommandId, CorrelationId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import ClaimTaken, InputMismatch, VersionConflict
from events.vault.audio import AudioFacts, Tags
from tests.conftest import Database

WORKSPACE, ACCOUNT = WorkspaceId.new(), AccountId.new()
FACTS = AudioFacts(duration_s=1, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=1)


def unit_of(commands: Commands, command_id: str | None = None, input: object = "x") -> Unit:
    context = CommandContext(ACCOUNT, WORKSPACE, command_id or CommandId.new(), CorrelationId.new())
    return commands.unit(context, input=input)


def upload(commands: Commands, sha256: str = "a" * 64, command_id: str | None = None) -> AssetId:
    asset_id = AssetId.new()
    unit = unit_of(commands, command_id)
    unit.start(
        asset,
        asset_id,
        asset.upload,
        workspace_id=WORKSPACE,
        uploaded_by=ACCOUNT,
        filename="a.wav",
        sha256=sha256,
        size_bytes=1,
    )
    unit.commit()
    return asset_id


def verify(commands: Commands, asset_id: AssetId) -> None:
    unit = unit_of(commands)
    unit.change(asset, asset_id, asset.verify, tags=Tags(), audio=FACTS, cover=None)
    unit.commit()


def edit(unit: Unit, asset_id: AssetId, expected: int | None = None, **changes: object) -> None:
    unit.change_at(expected, asset, asset_id, asset.edit_tags, edited_by=ACCOUNT, changes=changes)


def test_the_same_bytes_in_one_workspace_lose_to_the_first(commands: Commands):
    first = upload(commands)
    with pytest.raises(ClaimTaken) as lost:
        upload(commands)
    assert lost.value.holder == first


def test_a_deleted_assets_bytes_may_come_again(commands: Commands):
    first = upload(commands)
    unit = unit_of(commands)
    unit.change(asset, first, asset.delete, deleted_by=ACCOUNT)
    unit.commit()
    assert upload(commands) != first


def test_a_repeated_command_is_answered_as_before_even_when_it_would_be_refused_now(
    commands: Commands,
):
    asset_id = upload(commands)
    command_id = CommandId.new()
    unit = unit_of(commands, command_id)
    unit.change(asset, asset_id, asset.delete, deleted_by=ACCOUNT)
    first = unit.commit()
    again = unit_of(commands, command_id)
    again.change(asset, asset_id, asset.delete, deleted_by=ACCOUNT)
    answer = again.commit()
    assert answer.replayed
    assert answer.position == first.position


def test_a_repeated_command_with_other_input_is_refused(commands: Commands):
    asset_id = upload(commands)
    command_id = CommandId.new()
    unit = unit_of(commands, command_id, {"n": 1})
    unit.change(asset, asset_id, asset.delete, deleted_by=ACCOUNT)
    unit.commit()
    again = unit_of(commands, command_id, {"n": 2})
    with pytest.raises(InputMismatch):
        again.change(asset, asset_id, asset.delete, deleted_by=ACCOUNT)


def test_secrets_are_no_part_of_the_input(commands: Commands):
    context = CommandContext(ACCOUNT, WORKSPACE, CommandId.new(), CorrelationId.new())
    with_secret = commands.unit(context, input={"a": 1, "p": "x"}, secrets=frozenset({"p"}))
    without = commands.unit(context, input={"a": 1})
    assert with_secret._input_hash == without._input_hash


def test_a_pinned_version_that_moved_on_is_a_conflict(commands: Commands):
    asset_id = upload(commands)
    verify(commands, asset_id)
    with pytest.raises(VersionConflict) as lost:
        edit(unit_of(commands), asset_id, expected=1, title="late")
    assert lost.value.current == 2


def test_a_stale_cache_does_not_let_a_pinned_version_pass_that_moved_on(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    """Regression: refused on the cached state, decided anew on the stored one, pin forgotten."""
    elsewhere = Commands(log, pool, codec, b"k" * 32)
    asset_id = upload(commands)
    commands.load(asset, asset_id)
    verify(elsewhere, asset_id)
    with pytest.raises(VersionConflict):
        edit(unit_of(commands), asset_id, expected=1, title="late")


def test_a_stream_that_another_process_made_meanwhile_is_seen(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    """Regression: that a stream did not exist was remembered for ever."""
    asset_id = AssetId.new()
    assert commands.load(asset, asset_id).version == 0
    elsewhere = Commands(log, pool, codec, b"k" * 32)
    unit = unit_of(elsewhere)
    unit.start(
        asset,
        asset_id,
        asset.upload,
        workspace_id=WORKSPACE,
        uploaded_by=ACCOUNT,
        filename="a.wav",
        sha256="a" * 64,
        size_bytes=1,
    )
    unit.commit()
    assert commands.load(asset, asset_id).version == 1


def test_a_stale_cache_is_reloaded_once_and_the_command_succeeds(
    commands: Commands, log: PostgresLog, pool: ConnectionPool, codec: EventCodec
):
    elsewhere = Commands(log, pool, codec, b"k" * 32)
    asset_id = upload(commands)
    verify(commands, asset_id)
    commands.load(asset, asset_id)
    unit = unit_of(elsewhere)
    edit(unit, asset_id, title="theirs")
    unit.commit()
    mine = unit_of(commands)
    edit(mine, asset_id, artist="mine")
    assert mine.commit().stream_version == 4


def test_concurrent_edits_without_a_pinned_version_all_happen(commands: Commands):
    asset_id = upload(commands)
    verify(commands, asset_id)

    def edit_one(field: str) -> int:
        unit = unit_of(commands)
        edit(unit, asset_id, **{field: "x"})
        return unit.commit().stream_version

    with ThreadPoolExecutor(4) as threads:
        versions = list(threads.map(edit_one, ("title", "artist", "album")))
    assert sorted(versions) == [3, 4, 5]
    state, version = unit_of(commands).load(asset, asset_id)
    assert version == 5
    assert state.overridden == {"title", "artist", "album"}


def test_saying_the_same_again_changes_nothing(commands: Commands):
    asset_id = upload(commands)
    verify(commands, asset_id)
    for _ in range(2):
        unit = unit_of(commands)
        edit(unit, asset_id, title="one")
        committed = unit.commit()
    assert committed.stream_version == 3


def test_what_is_written_alongside_comes_and_goes_with_the_events(
    commands: Commands, pool: ConnectionPool, database: Database
):
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("CREATE TABLE beside (n integer)")
        connection.execute("GRANT ALL ON beside TO noculture_app")
    upload(commands)
    unit = unit_of(commands)
    unit.alongside("INSERT INTO beside VALUES (%s)", (1,))
    second = AssetId.new()
    unit.start(
        asset,
        second,
        asset.upload,
        workspace_id=WORKSPACE,
        uploaded_by=ACCOUNT,
        filename="b.wav",
        sha256="a" * 64,
        size_bytes=1,
    )
    with pytest.raises(ClaimTaken):
        unit.commit()
    with pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM beside").fetchone() == (0,)


def test_what_does_not_exist_cannot_be_changed(commands: Commands):
    with pytest.raises(NotFound):
        edit(unit_of(commands), AssetId.new(), title="x")
