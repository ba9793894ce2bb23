"""The domain's time comes from one port: rules, saga timers, the ends of domain things and
`effective_at` ask it (docs/adr/0031). All else stays on the machine's or the database's time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from events.times import utc_now


class Clock(Protocol):
    def now(self) -> datetime: ...


class MachineClock:
    """The clock of an installation of which something outside is live: it cannot be advanced."""

    def now(self) -> datetime:
        return utc_now()
