"""One append over several streams: all of it or nothing, and a loser says what it lost to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.ids import AssetId, WorkspaceId
from events.store.log import PostgresLog
from events.store.pending import (
    ClaimNotHeld,
    ClaimTaken,
    Committed,
    ForeignStream,
    VersionConflict,
)
from events.times import rfc3339
from tests.integration.store.conftest import append_of, pending

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def versions_of(log: PostgresLog, *streams: str) -> list[int]:
    return [len(log.events.stream(stream)) for stream in streams]


def hours(start: int, length: int) -> Claim:
    since = NOON + start * HOUR
    return Claim("provider-hour", "room", "global", since=since, until=since + length * HOUR)


def test_every_stream_gets_its_next_versions_and_one_answer_counts(log: PostgresLog):
    one, two = AssetId.new(), AssetId.new()
    log.append(append_of(pending(two, 1)))
    answer = log.append(
        append_of(pending(one, 1), pending(two, 2), pending(one, 2), pending(two, 3))
    )
    assert answer == Committed(one, 2, 5)
    assert [(e.stream_id, e.stream_version) for e in log.events.after(1, 10)] == [
        (one, 1),
        (two, 2),
        (one, 2),
        (two, 3),
    ]
    assert len({e.recorded_at for e in log.events.after(1, 10)}) == 1


def test_one_stale_stream_loses_the_whole_append_and_is_named(log: PostgresLog):
    one, stale, three = (AssetId.new() for _ in range(3))
    log.append(append_of(pending(stale, 1), pending(stale, 2)))
    with pytest.raises(VersionConflict) as lost:
        log.append(append_of(pending(one, 1), pending(stale, 2), pending(three, 1)))
    assert lost.value.current == 2
    assert stale in str(lost.value)
    assert versions_of(log, one, stale, three) == [0, 2, 0]


def test_one_foreign_stream_loses_the_whole_append(log: PostgresLog):
    mine, theirs = AssetId.new(), AssetId.new()
    log.append(append_of(pending(theirs, 1), tenant=WorkspaceId.new()))
    with pytest.raises(ForeignStream) as lost:
        log.append(append_of(pending(mine, 1), pending(theirs, 2)))
    assert theirs in str(lost.value)
    assert versions_of(log, mine, theirs) == [0, 1]


def test_one_lost_claim_loses_the_whole_append_with_the_claims_it_would_have_won(log: PostgresLog):
    holder, free, taken = AssetId.new(), Claim("isrc", "free"), Claim("isrc", "taken")
    log.append(append_of(pending(holder, 1, takes=(taken,))))
    one, two = AssetId.new(), AssetId.new()
    with pytest.raises(ClaimTaken) as lost:
        log.append(append_of(pending(one, 1, takes=(free,)), pending(two, 1, takes=(taken,))))
    assert (lost.value.kind, lost.value.key, lost.value.holder) == ("isrc", "taken", holder)
    assert versions_of(log, one, two) == [0, 0]
    assert log.append(append_of(pending(two, 1, takes=(free,)))).stream_id == two


def test_a_claim_passes_from_one_stream_to_another_in_one_append(
    log: PostgresLog, pool: ConnectionPool
):
    claim, old, new = Claim("isrc", "x"), AssetId.new(), AssetId.new()
    log.append(append_of(pending(old, 1, takes=(claim,))))
    log.append(append_of(pending(old, 2, releases=(claim,)), pending(new, 1, takes=(claim,))))
    with pool.connection() as connection:
        held = connection.execute("SELECT stream_id, position FROM claims").fetchall()
    assert held == [(new, 3)]


def test_a_claim_that_a_later_event_releases_is_still_held(log: PostgresLog):
    """Regression: it was given, and `log verify`, which folds in order, called that tampering."""
    claim, old, new = Claim("isrc", "x"), AssetId.new(), AssetId.new()
    log.append(append_of(pending(old, 1, takes=(claim,))))
    with pytest.raises(ClaimTaken) as lost:
        log.append(append_of(pending(new, 1, takes=(claim,)), pending(old, 2, releases=(claim,))))
    assert lost.value.holder == old


def test_of_crossing_appends_over_the_same_streams_exactly_one_wins(log: PostgresLog):
    streams = [AssetId.new() for _ in range(4)]

    def cross(number: int) -> Committed | VersionConflict:
        order = streams[number % 4 :] + streams[: number % 4]
        try:
            return log.append(append_of(*(pending(stream, 1) for stream in order)))
        except VersionConflict as lost:
            return lost

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(cross, range(16)))
    assert sum(isinstance(answer, Committed) for answer in answers) == 1
    assert versions_of(log, *streams) == [1, 1, 1, 1]


def test_a_lost_hour_names_who_holds_it_and_until_when(log: PostgresLog):
    holder = AssetId.new()
    log.append(append_of(pending(holder, 1, takes=(hours(0, 2),))))
    with pytest.raises(ClaimTaken) as lost:
        log.append(append_of(pending(AssetId.new(), 1, takes=(hours(1, 3),))))
    refusal = lost.value
    assert (refusal.status, refusal.code, refusal.holder) == (409, "claim-taken", holder)
    assert refusal.details == {
        "kind": "provider-hour",
        "holder": holder,
        "until": rfc3339(NOON + 2 * HOUR),
    }


def test_an_hour_given_back_is_free_and_its_neighbours_stay_held(log: PostgresLog):
    day = AssetId.new()
    log.append(append_of(*(pending(day, n, takes=(hours(n, 1),)) for n in range(1, 4))))
    log.append(append_of(pending(day, 4, releases=(hours(2, 1),))))
    for taken in (hours(1, 1), hours(3, 1), hours(1, 2)):
        with pytest.raises(ClaimTaken):
            log.append(append_of(pending(AssetId.new(), 1, takes=(taken,))))
    assert log.append(append_of(pending(AssetId.new(), 1, takes=(hours(2, 1),)))).position == 5


def test_half_of_a_held_range_cannot_be_given_back(log: PostgresLog):
    """What is released is what was taken: ranges are not cut."""
    day = AssetId.new()
    log.append(append_of(pending(day, 1, takes=(hours(0, 2),))))
    with pytest.raises(ClaimNotHeld):
        log.append(append_of(pending(day, 2, releases=(hours(0, 1),))))
