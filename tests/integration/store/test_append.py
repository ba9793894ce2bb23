"""The append: total order, versions, claims, idempotency, group commit."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.ids import AssetId, CommandId, WorkspaceId
from events.store.log import PostgresLog
from events.store.pending import (
    ClaimNotHeld,
    ClaimTaken,
    ForeignStream,
    InputMismatch,
    StoreBusy,
    VersionConflict,
)
from events.times import utc_now
from tests.conftest import Database
from tests.integration.store.conftest import TENANT, append_of, pending


def test_positions_are_gapless_and_start_at_1(log: PostgresLog):
    for number in range(1, 4):
        stream = AssetId.new()
        assert log.append(append_of(pending(stream, 1), pending(stream, 2))).position == number * 2
    assert [e.position for e in log.events.after(0, 100)] == [1, 2, 3, 4, 5, 6]


def test_a_stale_version_loses_and_changes_nothing(log: PostgresLog):
    stream = AssetId.new()
    log.append(append_of(pending(stream, 1)))
    with pytest.raises(VersionConflict) as lost:
        log.append(append_of(pending(stream, 1)))
    assert lost.value.current == 1
    assert log.events.head() == 1


def test_the_same_command_and_input_gets_the_first_answer(log: PostgresLog):
    stream, command = AssetId.new(), CommandId.new()
    first = log.append(append_of(pending(stream, 1), command=command))
    log.append(append_of(pending(stream, 2)))
    again = log.append(append_of(pending(stream, 1), command=command))
    assert (again.stream_id, again.stream_version, again.position) == (stream, 1, first.position)
    assert again.replayed
    assert log.events.head() == 2


def test_the_same_command_with_other_input_is_refused(log: PostgresLog):
    command = CommandId.new()
    log.append(append_of(pending(AssetId.new(), 1), command=command))
    with pytest.raises(InputMismatch):
        log.append(append_of(pending(AssetId.new(), 1), command=command, input=b"other"))


def test_a_rejected_command_is_not_remembered(log: PostgresLog):
    stream, command = AssetId.new(), CommandId.new()
    with pytest.raises(VersionConflict):
        log.append(append_of(pending(stream, 2), command=command))
    assert log.append(append_of(pending(stream, 1), command=command)).position == 1


def test_a_taken_claim_names_its_holder(log: PostgresLog):
    holder, claim = AssetId.new(), Claim("asset-content", "abc")
    log.append(append_of(pending(holder, 1, takes=(claim,))))
    with pytest.raises(ClaimTaken) as lost:
        log.append(append_of(pending(AssetId.new(), 1, takes=(claim,))))
    assert (lost.value.holder, lost.value.until) == (holder, None)
    assert log.events.head() == 1


def test_a_workspace_claim_is_free_in_another_workspace(log: PostgresLog):
    claim = Claim("asset-content", "abc")
    log.append(append_of(pending(AssetId.new(), 1, takes=(claim,))))
    other = append_of(pending(AssetId.new(), 1, takes=(claim,)), tenant=WorkspaceId.new())
    assert log.append(other).position == 2


def test_a_global_claim_is_held_against_every_workspace(log: PostgresLog):
    claim = Claim("handle", "ada", scope="global")
    log.append(append_of(pending(AssetId.new(), 1, takes=(claim,))))
    with pytest.raises(ClaimTaken):
        log.append(append_of(pending(AssetId.new(), 1, takes=(claim,)), tenant=WorkspaceId.new()))


def test_a_released_claim_can_be_taken_again(log: PostgresLog):
    holder, claim = AssetId.new(), Claim("asset-content", "abc")
    log.append(append_of(pending(holder, 1, takes=(claim,))))
    log.append(append_of(pending(holder, 2, releases=(claim,))))
    assert log.append(append_of(pending(AssetId.new(), 1, takes=(claim,)))).position == 3


def test_only_the_holder_releases_a_claim(log: PostgresLog):
    claim = Claim("asset-content", "abc")
    log.append(append_of(pending(AssetId.new(), 1, takes=(claim,))))
    with pytest.raises(ClaimNotHeld):
        log.append(append_of(pending(AssetId.new(), 1, releases=(claim,))))


def test_time_ranges_of_one_key_do_not_overlap_but_may_touch(log: PostgresLog):
    start = utc_now()

    def hour(number: int) -> Claim:
        since = start + timedelta(hours=number)
        return Claim("hours", "provider", since=since, until=since + timedelta(hours=1))

    log.append(append_of(pending(AssetId.new(), 1, takes=(hour(0),))))
    log.append(append_of(pending(AssetId.new(), 1, takes=(hour(1),))))
    half = Claim(
        "hours",
        "provider",
        since=start + timedelta(minutes=30),
        until=start + timedelta(minutes=40),
    )
    with pytest.raises(ClaimTaken) as lost:
        log.append(append_of(pending(AssetId.new(), 1, takes=(half,))))
    assert lost.value.until is not None


def test_a_stream_belongs_to_one_workspace_for_ever(log: PostgresLog):
    stream = AssetId.new()
    log.append(append_of(pending(stream, 1)))
    with pytest.raises(ForeignStream):
        log.append(append_of(pending(stream, 2), tenant=WorkspaceId.new()))


def test_a_loser_in_a_group_harms_no_neighbour(log: PostgresLog, pool: ConnectionPool):
    taken = Claim("asset-content", "abc")
    log.append(append_of(pending(AssetId.new(), 1, takes=(taken,))))
    good, bad = append_of(pending(AssetId.new(), 1)), append_of(pending(AssetId.new(), 7))
    claimant = append_of(pending(AssetId.new(), 1, takes=(taken,)))
    last = append_of(pending(AssetId.new(), 1))
    with pool.connection() as connection, connection.transaction():
        verdicts = log.append_in(connection, [good, bad, claimant, last])
    assert [type(v).__name__ for v in verdicts] == [
        "Committed",
        "VersionConflict",
        "ClaimTaken",
        "Committed",
    ]
    assert log.events.head() == 3


def test_concurrent_writers_leave_no_gap_and_each_gets_its_own_answer(log: PostgresLog):
    streams = [AssetId.new() for _ in range(200)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda s: log.append(append_of(pending(s, 1))), streams))
    assert [a.stream_id for a in answers] == streams
    assert sorted(a.position for a in answers) == list(range(1, 201))


def test_64_racers_for_one_claim_have_one_winner(log: PostgresLog):
    claim = Claim("hour", "provider", scope="global")

    def race(_: int) -> bool:
        try:
            log.append(append_of(pending(AssetId.new(), 1, takes=(claim,))))
        except ClaimTaken:
            return False
        return True

    with ThreadPoolExecutor(64) as threads:
        assert sum(threads.map(race, range(64))) == 1


def test_a_reader_sees_no_later_position_while_an_earlier_one_is_uncommitted(
    database: Database, log: PostgresLog
):
    """The visibility gap: an open append holds the log lock, so nothing overtakes it."""
    with psycopg.connect(database.app_url) as parked:
        log.append_in(parked, [append_of(pending(AssetId.new(), 1))])
        with ThreadPoolExecutor(1) as threads:
            overtaking = threads.submit(log.append, append_of(pending(AssetId.new(), 1)))
            assert log.events.after(0, 10) == []
            parked.commit()
            assert overtaking.result(timeout=10).position == 2


def test_recorded_at_never_goes_back(log: PostgresLog):
    for _ in range(20):
        log.append(append_of(pending(AssetId.new(), 1)))
    times = [e.recorded_at for e in log.events.after(0, 100)]
    assert times == sorted(times)


def test_the_application_role_may_not_change_what_happened(log: PostgresLog, pool: ConnectionPool):
    log.append(append_of(pending(AssetId.new(), 1)))
    for statement in ("UPDATE events SET data = ''", "DELETE FROM events", "TRUNCATE events"):
        with pool.connection() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_lost_connection_after_the_commit_is_answered_with_what_was_committed(
    log: PostgresLog, monkeypatch: pytest.MonkeyPatch
):
    from events.store import group

    real, calls = group.append_prepared, []

    def lost_answer(connection, appends):
        verdicts = real(connection, appends)
        calls.append(1)
        if len(calls) == 1:
            connection.close()
            raise psycopg.OperationalError("the answer was lost")
        return verdicts

    monkeypatch.setattr(group, "append_prepared", lost_answer)
    stream = AssetId.new()
    committed = log.append(append_of(pending(stream, 1)))
    assert (committed.position, committed.replayed) == (1, True)
    assert log.events.head() == 1


def test_tenants_of_an_append_are_stored(log: PostgresLog):
    log.append(append_of(pending(AssetId.new(), 1)))
    assert log.events.after(0, 1)[0].tenant == TENANT


def test_one_group_tells_each_append_its_own_position(log: PostgresLog, pool: ConnectionPool):
    """Positions are counted by the caller over those that were written: 3 events, a loser, 2."""
    first, second = AssetId.new(), AssetId.new()
    appends = [
        append_of(*(pending(first, version) for version in (1, 2, 3))),
        append_of(pending(AssetId.new(), 9)),
        append_of(*(pending(second, version) for version in (1, 2))),
    ]
    with pool.connection() as connection, connection.transaction():
        good, _lost, last = log.append_in(connection, appends)
    assert (good.stream_id, good.stream_version, good.position) == (first, 3, 3)
    assert (last.stream_id, last.stream_version, last.position) == (second, 2, 5)
    stored = [(e.position, e.stream_id, e.stream_version) for e in log.events.after(0, 10)]
    assert stored == [
        (1, first, 1),
        (2, first, 2),
        (3, first, 3),
        (4, second, 1),
        (5, second, 2),
    ]


def test_a_claim_is_found_by_index_however_many_there_are(
    log: PostgresLog, pool: ConnectionPool, database: Database
):
    """Regression: with OR between ranges and for ever no index served, every claim was read."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO claims SELECT 'hour', '', n::text, NULL, 'ast', n"
            " FROM generate_series(1, 5000) n"
        )
        read = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'claims'"
        with pool.connection() as connection:
            before = owner.execute(read).fetchone()
            taker = append_of(pending(AssetId.new(), 1, takes=(Claim("hour", "x", "global"),)))
            verdicts = log.append_in(connection, [taker])
            connection.execute("SELECT pg_stat_force_next_flush()")
        assert verdicts[0].position == 1
        owner.execute("SELECT pg_stat_clear_snapshot()")
        assert owner.execute(read).fetchone() == before


def test_a_writer_waits_for_the_lock_with_its_whole_group_not_one_by_one(
    database: Database, log: PostgresLog
):
    """Regression: each of a group's appends was tried again alone, 3 s each."""
    with psycopg.connect(database.owner_url) as parked:
        parked.execute("SELECT pg_advisory_xact_lock(7521980, 1)")
        began = time.monotonic()

        def busy(_: int) -> bool:
            try:
                log.append(append_of(pending(AssetId.new(), 1)))
            except StoreBusy:
                return True
            return False

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(busy, range(8)))
        assert time.monotonic() - began < 10
