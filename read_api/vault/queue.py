"""Counts what waits to be measured, of all workspaces, and how long that takes at today's pace.

The work itself and the log are asked: no read model holds what has not been done yet. The module
imports little, so that `status` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection

_QUEUE = Path(__file__).with_name("queue.sql").read_text("utf-8")
MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class Queue:
    """`uploads` go before `again`, what is measured once more. `pace_s` is None while nothing was
    measured lately.
    """

    uploads: int
    again: int
    pace_s: float | None

    @property
    def waiting(self) -> int:
        return self.uploads + self.again

    def left_s(self, waiting: int) -> float | None:
        """Seconds until so many are measured."""
        return None if self.pace_s is None else waiting * self.pace_s


def read_queue(connection: Connection) -> Queue:
    row = connection.execute(_QUEUE.encode()).fetchone()
    assert row is not None
    return Queue(*row)


def left(seconds: float | None) -> str:
    """`about 3 min left`: no more exact than the estimate is."""
    if seconds is None:
        return "no estimate yet of how long"
    if seconds < MINUTE_S:
        return "less than a minute left"
    if seconds < 2 * HOUR_S:
        return f"about {round(seconds / MINUTE_S)} min left"
    return f"about {round(seconds / HOUR_S)} h left"
