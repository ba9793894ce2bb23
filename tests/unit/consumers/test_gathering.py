"""A batch that is gathered in memory does to a table what its changes do one after another."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.consumers.gathering import Changes, Gathering
from processors.consumers.merging import SUM, OrderWouldMatter, Ways, WrongColumn
from tests.specification import MemoryRows

KEY, ROW = ("owner", "part", "number"), ("a", "x", 1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
Change = tuple[str, tuple[Any, ...], dict[str, Any]]

keys = st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.just(1))
texts = st.text("aä\x00\x01\ud800", max_size=2)
amounts = st.integers(-99, 99) | st.decimals(-9, 9, places=2) | st.decimals(-9, 9, places=1)
moments = st.integers(-2, 2).map(lambda hours: NOON + timedelta(hours=hours))
columns: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "upsert": {"title": texts, "done": st.booleans()},
    "add": {"plays": st.integers(), "cents": amounts},
    "max": {"last_at": st.none() | moments, "name": texts},
}
changes: st.SearchStrategy[Change] = st.one_of(
    *(
        st.tuples(
            st.just(kind), keys.map(lambda key: (key,)), st.fixed_dictionaries({}, optional=of)
        )
        for kind, of in columns.items()
    ),
    st.tuples(st.just("delete"), keys.map(lambda key: (key,)), st.just({})),
    st.tuples(
        st.just("delete_prefix"),
        st.tuples(keys, st.integers(1, 3)).map(lambda each: each[0][: each[1]]),
        st.just({}),
    ),
)


def table_of(batches: list[list[Change]]) -> dict[Any, dict[str, Any]]:
    """Each batch is gathered, and lands in the table as `TableRows` writes it."""
    table: dict[Any, dict[str, Any]] = {}
    gathering = Gathering(KEY, ways := Ways())
    for batch in batches:
        for kind, key, values in batch:
            getattr(gathering, kind)(*key, **values)
        land(table, gathering.gathered(), ways)
    return table


def land(table: dict[Any, dict[str, Any]], whole: Changes, ways: Ways) -> None:
    for row in list(table):
        if any(row[:width] in starts for width, starts in whole.deleted.items()):
            del table[row]
    for row in whole.rows():
        found = table.setdefault(row, {})
        found.update(whole.changed.get(row, {}))
        ways.merge_into(found, whole.merged.get(row, {}))


@settings(max_examples=300)
@given(st.lists(st.lists(changes, min_size=8, max_size=20), max_size=2))
def test_batches_do_what_their_changes_do_one_after_another(batches: list[list[Change]]):
    rows = MemoryRows()
    for kind, key, values in [change for batch in batches for change in batch]:
        getattr(rows, kind)(*key, **values)
    assert table_of(batches) == rows.by_key


@given(
    st.permutations([Decimal("1e30"), Decimal("0.1"), Decimal("-1e30"), Decimal("1e-30"), 7]),
    st.integers(0, 5),
)
def test_sums_are_exact_whatever_comes_first(order: list[Any], cut: int):
    first, second = (
        [("add", (ROW,), {"cents": each}) for each in part] for part in (order[:cut], order[cut:])
    )
    assert table_of([first, second])[ROW]["cents"] == Decimal("7.1" + "0" * 28 + "1")


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        (1, 2, 2),
        (2, Decimal("1.5"), 2),
        (Decimal("1.50"), Decimal("1.5"), Decimal("1.5")),
        (Decimal("2.00"), 2, 2),
        (NOON, NOON + timedelta(seconds=1), NOON + timedelta(seconds=1)),
        (NOON, NOON.astimezone(timezone(timedelta(hours=9))), NOON),
        (date(2026, 1, 2), date(2026, 1, 1), date(2026, 1, 2)),
        ("z", "ä", "ä"),
        ("a\x00", "a\x01", "a\N{REPLACEMENT CHARACTER}"),
        (None, -1, -1),
    ],
)
def test_the_greater_stays_and_equal_ones_are_written_the_same(one: Any, other: Any, kept: Any):
    for order in ((one, other), (other, one)):
        gathering = Gathering(("owner",), Ways())
        for value in order:
            gathering.max("a", value=value)
        (row,) = gathering.gathered().merged.values()
        assert repr(row) == repr({"value": kept})


def test_a_column_has_one_way_whichever_comes_first_and_in_whatever_batch():
    gathering = Gathering(("owner",), Ways())
    gathering.add("a", plays=1)
    with pytest.raises(OrderWouldMatter, match="plays is added to by one event and the greatest"):
        gathering.max("b", plays=1)
    gathering.gathered()
    gathering.max("a", last=NOON)
    with pytest.raises(OrderWouldMatter, match="the last moment by one event and the last day"):
        gathering.max("b", last=date(2026, 1, 1))
    with pytest.raises(OrderWouldMatter, match="the last moment by one event and added to"):
        gathering.add("b", last=1)


@pytest.mark.parametrize("amount", [0.1, True, None, "1", Decimal("NaN"), Decimal("Infinity")])
def test_only_exact_numbers_are_added(amount: Any):
    with pytest.raises(TypeError, match="plays: an int or a finite Decimal"):
        Gathering(("owner",), Ways()).add("a", plays=amount)


@pytest.mark.parametrize("value", [0.1, True, b"a", [1], Decimal("NaN"), datetime(2026, 1, 1)])
def test_what_python_and_postgres_may_order_otherwise_has_no_greatest(value: Any):
    with pytest.raises(TypeError, match="has a greatest"):
        Gathering(("owner",), Ways()).max("a", value=value)


@pytest.mark.parametrize("leading", [(), ("a", "x", 1, 2)])
def test_a_prefix_names_at_least_one_column_of_the_key_and_no_more_than_it_has(leading: Any):
    with pytest.raises(ValueError, match="does not begin a key"):
        Gathering(KEY, Ways()).delete_prefix(*leading)


def test_a_column_that_would_round_or_begin_elsewhere_is_refused():
    ways = Ways()
    ways.sums({"cents": 1})
    for type_, default in (("double precision", None), ("numeric(9,2)", None), ("bigint", "1")):
        with pytest.raises(WrongColumn, match="cents"):
            ways.check(("public", "plays"), "cents", type_, default)
    assert ways["cents"] is SUM
    assert ways.unchecked(("public", "plays"), ("cents",)) == ["cents"]
    ways.check(("public", "plays"), "cents", "bigint", "0")
    assert ways.unchecked(("public", "plays"), ("cents",)) == []
