"""Columns of waiting work, whatever stands in them."""

from __future__ import annotations


def due_in_s(now: str) -> str:
    """Seconds until the next row is due, null where there is none; `now` is SQL too."""
    # Postgres 16 cannot subtract from infinity.
    return (
        f"extract(epoch FROM CASE WHEN isfinite(min(due_at)) THEN min(due_at) - {now}"
        f" WHEN min(due_at) < {now} THEN interval '0'"
        f" WHEN min(due_at) > {now} THEN interval '1 hour' END)::float"
    )


DUE_IN_S = due_in_s("clock_timestamp()")
# Within the years that Python has, whatever stands in the row.
DUE_AT = "least(greatest(due_at, '2000-01-01'), '9999-01-01')"


def one_more(counter: str) -> str:
    """The column counted up: never beyond an integer, and never from below zero."""
    return f"least(greatest({counter}, 0), 2147483646) + 1"
