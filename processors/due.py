"""Columns of waiting work, whatever stands in them."""

from __future__ import annotations

# Seconds until the next row is due, null where there is none. Postgres 16 cannot subtract from
# infinity.
DUE_IN_S = (
    "extract(epoch FROM CASE WHEN isfinite(min(due_at)) THEN min(due_at) - clock_timestamp()"
    " WHEN min(due_at) < clock_timestamp() THEN interval '0'"
    " WHEN min(due_at) > clock_timestamp() THEN interval '1 hour' END)::float"
)


def one_more(counter: str) -> str:
    """The column counted up: never beyond an integer, and never from below zero."""
    return f"least(greatest({counter}, 0), 2147483646) + 1"
