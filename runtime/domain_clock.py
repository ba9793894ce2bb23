"""The clock of the domain in this process: advanced ones are for installations of which nothing
outside is live.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from events.clock import Clock, MachineClock
from events.store.advances import AdvancedClock, was_advanced
from runtime.errors import ClockIsReal, ClockWasAdvanced
from runtime.mode import mode
from runtime.settings import Settings


def live_ones(settings: Settings) -> Sequence[str]:
    """The capabilities that are not played by a double."""
    return [capability for capability, is_ in mode(settings).items() if is_ == "live"]


def clock_of(settings: Settings, pool: ConnectionPool) -> Clock:
    """Raises ClockWasAdvanced where live credentials meet a log whose clock was."""
    if not live_ones(settings):
        return AdvancedClock(pool)
    with pool.connection() as connection:
        require_real_time(connection, settings)
    return MachineClock()


def require_real_time(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Raises ClockWasAdvanced."""
    if (live := live_ones(settings)) and was_advanced(connection):
        raise ClockWasAdvanced(live)


def require_test_mode(settings: Settings) -> None:
    """Raises ClockIsReal."""
    if live := live_ones(settings):
        raise ClockIsReal(live)
