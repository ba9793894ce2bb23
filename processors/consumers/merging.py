"""Columns of read models that several streams write: sums and greatest values, which are the same
whatever comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from events.errors import NoCultureError
from schemas.text import storable

# As many digits as `numeric` has: a sum that is rounded depends on what was added first.
_EXACT = Context(prec=131_072 + 16_383, traps=[Inexact, InvalidOperation])
# Without a scale: `numeric(9, 2)` rounds each amount, and a batch's sum only once.
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric"})
_NO_DEFAULT = frozenset({None})


class OrderWouldMatter(NoCultureError):
    """A fold writes one column in two ways."""

    status, code = 500, "order-would-matter"

    def __init__(self, column: str, one: Way | None, other: Way | None) -> None:
        super().__init__(
            f"the column {column} is {_said(one)} by one event and {_said(other)} by another, so"
            " that their order would matter: give each of them a column of its own"
        )


class WrongColumn(NoCultureError):
    """A table's column would not hold the same bytes whatever comes first."""

    status, code = 500, "wrong-column"

    def __init__(self, column: str, type_: str, default: str | None, way: Way) -> None:
        types = ", ".join(sorted(way.types))
        defaults = " or ".join(sorted(each or "none" for each in way.defaults))
        super().__init__(
            f"the column {column} ({type_}, default {default or 'none'}) is {way.said}: its type"
            f" must be one of {types}, its default {defaults}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How two values of a column become one: `merge` in memory, `sql` in the table (its row is
    `t`). Its column has one of `types` and of `defaults`.
    """

    said: str
    merge: Callable[[Any, Any], Any]
    sql: str
    types: frozenset[str]
    defaults: frozenset[str | None] = _NO_DEFAULT


def _sum(one: int | Decimal, other: int | Decimal) -> int | Decimal:
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return _EXACT.add(one, other)


_GREATEST = "greatest(t.{0}, EXCLUDED.{0})"
SUM = Way("added to", _sum, "coalesce(t.{0}, 0) + EXCLUDED.{0}", _NUMBERS, frozenset({None, "0"}))
NUMBER = Way("the greatest number", max, _GREATEST, _NUMBERS)
MOMENT = Way("the last moment", max, _GREATEST, frozenset({"timestamp with time zone"}))
DAY = Way("the last day", max, _GREATEST, frozenset({"date"}))
# Python compares code points, which is the order of UTF-8's bytes.
TEXT = Way("the last text", max, 'greatest(t.{0} COLLATE "C", EXCLUDED.{0})', frozenset({"text"}))


class Ways:
    """The way of each column of a table; None is that of a column which is set. Lives as long as
    its consumer: what one batch added to, no later batch sets.
    """

    def __init__(self) -> None:
        self.merging = False
        self._of: dict[str, Way | None] = {}
        self._fitting: set[tuple[tuple[str, str], str]] = set()

    def __getitem__(self, column: str) -> Way:
        """The way of a column that merges."""
        way = self._of[column]
        assert way is not None
        return way

    def claim(self, column: str, way: Way | None) -> None:
        """Raises OrderWouldMatter where the column has another way."""
        known = self._of.setdefault(column, way)
        if known is not way:
            raise OrderWouldMatter(column, known, way)
        self.merging |= way is not None

    def merge_into(self, row: dict[str, Any], values: Mapping[str, Any]) -> None:
        for column, value in values.items():
            row[column] = self[column].merge(row[column], value) if column in row else value

    def sums(self, amounts: Mapping[str, Any]) -> dict[str, Any]:
        """Raises TypeError at what is no exact number: a sum of floats depends on their order."""
        for column, amount in amounts.items():
            if not _is_exact(amount):
                raise TypeError(f"{column}: an int or a finite Decimal is added, not {amount!r}")
            self.claim(column, SUM)
        return dict(amounts)

    def greatest(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Without those that are None, and equal ones written the same. Raises TypeError at what
        has no order that Python and Postgres share.
        """
        comparable = {}
        for column, value in values.items():
            if value is not None:
                way, comparable[column] = _comparable(column, value)
                self.claim(column, way)
        return comparable

    def unchecked(self, table: tuple[str, str], columns: tuple[str, ...]) -> list[str]:
        return [column for column in columns if (table, column) not in self._fitting]

    def check(self, table: tuple[str, str], column: str, type_: str, default: str | None) -> None:
        """Raises WrongColumn."""
        way = self[column]
        if type_ not in way.types or default not in way.defaults:
            raise WrongColumn(column, type_, default, way)
        self._fitting.add((table, column))


def _is_exact(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int) and not isinstance(value, bool)


def _comparable(column: str, value: Any) -> tuple[Way, Any]:
    match value:
        case int() | Decimal() if _is_exact(value):
            return NUMBER, _shortest(value)
        case datetime() if value.tzinfo:
            return MOMENT, value.astimezone(UTC)
        case date() if not isinstance(value, datetime):
            return DAY, value
        case str():
            # As it is stored: what stands for a refused character is greater than most.
            return TEXT, storable(value)
    raise TypeError(
        f"{column}: an int, Decimal, moment with a time zone, date or text has a greatest, not"
        f" {value!r}"
    )


def _shortest(value: int | Decimal) -> int | Decimal:
    """1.0 and 1.00 are equal, and other bytes."""
    return int(value) if value == int(value) else Decimal(value).normalize(_EXACT)


def _said(way: Way | None) -> str:
    return way.said if way else "set"
