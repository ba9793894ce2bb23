"""Gathers what the events of a batch do to the rows of a table: in memory, without a database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from processors.consumers.merging import Ways

Key = tuple[Any, ...]


class Changes:
    """All deletes come first: `changed` and `merged` hold only what was said after them.

    `deleted` maps how many columns of the key are named to the keys that begin so.
    """

    __slots__ = ("changed", "deleted", "merged")

    def __init__(self) -> None:
        self.deleted: dict[int, dict[Key, None]] = {}
        self.changed: dict[Key, dict[str, Any]] = {}
        self.merged: dict[Key, dict[str, Any]] = {}

    def rows(self) -> Iterable[Key]:
        return self.changed.keys() | self.merged.keys() if self.merged else self.changed

    def delete(self, start: Key) -> None:
        self.deleted.setdefault(len(start), {})[start] = None

    def follow(self, earlier: Changes, ways: Ways) -> None:
        """Become `earlier`, and then these."""
        for row, columns in earlier.changed.items():
            if not self._deletes(row):
                self.changed[row] = columns | self.changed.get(row, {})
        for row, values in earlier.merged.items():
            if not self._deletes(row):
                ways.merge_into(self.merged.setdefault(row, {}), values)
        for width, keys in earlier.deleted.items():
            self.deleted.setdefault(width, {}).update(keys)

    def _deletes(self, row: Key) -> bool:
        return any(row[:width] in keys for width, keys in self.deleted.items())


class Gathering:
    """`Rows` of `projections/projection.py`; `key` names the primary key's columns in order."""

    def __init__(self, key: tuple[str, ...], ways: Ways) -> None:
        self._key, self._ways = key, ways
        self._now = Changes()
        self._earlier: list[Changes] = []

    def upsert(self, key: str | int | Key, **columns: Any) -> None:
        self._now.changed.setdefault(self._as_key(key), {}).update(columns)

    def add(self, key: str | int | Key, **amounts: Any) -> None:
        self._merge(self._as_key(key), self._ways.sums(amounts))

    def max(self, key: str | int | Key, **values: Any) -> None:
        self._merge(self._as_key(key), self._ways.greatest(values))

    def delete(self, key: str | int | Key) -> None:
        row = self._as_key(key)
        self._now.changed.pop(row, None)
        self._now.merged.pop(row, None)
        self._now.delete(row)

    def delete_prefix(self, *leading: Any) -> None:
        if not 0 < len(leading) <= len(self._key):
            raise ValueError(f"{leading} does not begin a key of {self._key}")
        if self._now.changed or self._now.merged:
            # Looked through once, at the end: 2,500 deletes would walk 2,500 rows each.
            self._earlier.append(self._now)
            self._now = Changes()
        self._now.delete(leading)

    def gathered(self) -> Changes:
        """All so far as one; the next ones begin anew."""
        whole, self._now = self._now, Changes()
        while self._earlier:
            whole.follow(self._earlier.pop(), self._ways)
        return whole

    def _merge(self, row: Key, values: dict[str, Any]) -> None:
        self._ways.merge_into(self._now.merged.setdefault(row, {}), values)

    def _as_key(self, key: str | int | Key) -> Key:
        row = key if isinstance(key, tuple) else (key,)
        if len(row) != len(self._key):
            raise ValueError(f"the key is {self._key}, not {row}")
        return row
