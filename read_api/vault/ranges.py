"""Byte ranges of RFC 9110 §14: one range is answered, several are answered with the whole."""

from __future__ import annotations

import re

from read_api.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=\s*([0-9]*)-([0-9]*)\s*")
# Longer than any file, and short enough to be read.
MAX_DIGITS, BEHIND_ALL = 18, 10**18


def requested_range(header: str | None, size_bytes: int) -> tuple[int, int] | None:
    """(start, length), None for the whole: no range, or one that may be ignored.

    Raises RangeNotSatisfiable (416) when it begins behind the end.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        length = min(_number(last), size_bytes)
        start, end = size_bytes - length, size_bytes - 1
    else:
        start = _number(first)
        end = min(_number(last), size_bytes - 1) if last else size_bytes - 1
        if last and _number(last) < start:
            return None
    if start >= size_bytes or end < start:
        raise RangeNotSatisfiable(size_bytes)
    return start, end - start + 1


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= MAX_DIGITS else BEHIND_ALL
