"""Makes kafka-python's readers cheap where many of them watch many quiet partitions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kafka.consumer import fetcher

_Entry: type[Any] = fetcher._FetchPartition


class _RememberedEntry(_Entry):  # type: ignore[misc]
    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def remember_fetch_entries() -> None:
    """For each fetch kafka-python 3.0.12 makes an entry of every partition anew and compares it,
    field by field, with the one before: half of what a reader's thread does (5.2 of 11.3 s in the
    profile of a worker). The same entry again is equal to itself. Needs a name that is not public.
    """
    if fetcher._FetchPartition is _Entry:
        fetcher._FetchPartition = lru_cache(maxsize=16_384)(_RememberedEntry)
