"""Changes of a batch are merged per row in memory and written set-based."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from psycopg_pool import ConnectionPool

from processors.consumers.rows import TableRows

NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def table(pool: ConnectionPool) -> None:
    with pool.connection() as connection:
        connection.execute(
            "CREATE TABLE plays (asset text, day text, count bigint, at timestamptz, tempo float8,"
            " tags text[], facts jsonb, PRIMARY KEY (asset, day))"
        )


def written(pool: ConnectionPool, *batches: TableRows) -> list[tuple[object, ...]]:
    with pool.connection() as connection:
        for rows in batches:
            rows.flush(connection)
        return connection.execute("SELECT * FROM plays ORDER BY 1, 2").fetchall()


def plays() -> TableRows:
    return TableRows("public", "plays", ("asset", "day"))


@pytest.mark.usefixtures("table")
def test_a_row_is_made_by_whichever_event_comes_first_and_keeps_what_others_said(pool):
    first, second = plays(), plays()
    first.upsert(("a", "mon"), count=1)
    first.upsert(("a", "mon"), tempo=0.1 + 0.2)
    first.upsert(("b", "mon"))
    second.upsert(("a", "mon"), at=NOON, count=2)
    assert written(pool, first, second) == [
        ("a", "mon", 2, NOON, 0.1 + 0.2, None, None),
        ("b", "mon", None, None, None, None, None),
    ]


@pytest.mark.usefixtures("table")
def test_lists_maps_and_nothing_arrive_as_they_are(pool):
    rows = plays()
    rows.upsert(("a", "mon"), tags=["x", 'quo"te', "{}"], facts={"Ünïcode": [1, None]}, count=None)
    assert written(pool, rows) == [
        ("a", "mon", None, None, None, ["x", 'quo"te', "{}"], {"Ünïcode": [1, None]})
    ]


@pytest.mark.usefixtures("table")
def test_a_text_that_postgres_refuses_is_written_with_a_mark_in_its_place(pool):
    rows = plays()
    spelt, pair = r"a\u0000 \ud800", "👩\u200d🎤"
    rows.upsert(("a\x00", "mon"), tags=["\ud800x", pair], facts={"\x00": [spelt, {"b": "\x00"}]})
    rows.upsert(("gone\x00", "mon"), count=1)
    later = plays()
    later.delete(("gone\x00", "mon"))
    mark = "\N{REPLACEMENT CHARACTER}"
    facts = {mark: [spelt, {"b": mark}]}
    assert written(pool, rows, later) == [
        (f"a{mark}", "mon", None, None, None, [f"{mark}x", pair], facts)
    ]


@pytest.mark.usefixtures("table")
def test_a_delete_forgets_what_was_set_before_it_and_not_what_is_set_after(pool):
    before, batch = plays(), plays()
    before.upsert(("a", "mon"), count=1, tempo=1.0)
    before.upsert(("b", "mon"), count=1)
    batch.upsert(("a", "mon"), count=7)
    batch.delete(("a", "mon"))
    batch.upsert(("a", "mon"), tempo=2.0)
    batch.upsert(("b", "mon"), count=9)
    batch.delete(("b", "mon"))
    assert written(pool, before, batch) == [("a", "mon", None, None, 2.0, None, None)]


def test_a_key_of_the_wrong_width_is_refused():
    with pytest.raises(ValueError, match="the key is"):
        plays().upsert("a", count=1)
