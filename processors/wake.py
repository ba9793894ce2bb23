"""Wake-ups of those who wait for work: between threads of one process, and by NOTIFY between all.

Whoever waits also looks now and then, so a lost one costs a moment only.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

import psycopg

log = logging.getLogger(__name__)
# The payload names the work: an effect, or one of the two below.
CHANNEL = "noculture_work"
COMMANDS, TIMERS = "commands", "timers"
# Work without a notification is found after this many seconds: fewer than any lease or pause of a
# saga, so that whoever looks so often knows in time when the next work is due.
LOOK_S = 5.0
# Pause while the work that is due is in another worker's hands.
TAKEN_PAUSE_S = 0.25
LISTEN_S = 0.25
RECONNECT_S = 0.5


class Wake:
    """Tells every thread that waits for the same kind of work."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._sets = 0

    @property
    def sets(self) -> int:
        """How often it was set: ask before you look for work, and `wait` misses none."""
        return self._sets

    def set(self) -> None:
        with self._moved:
            self._sets += 1
            self._moved.notify_all()

    def wait(self, seen: int, timeout_s: float) -> None:
        """Until it is set once more than `seen`, or the timeout."""
        with self._moved:
            self._moved.wait_for(lambda: self._sets != seen, timeout_s)


def pause_s(due_in_s: float | None) -> float:
    """How long to wait for work of which the next is due so soon; None where there is none."""
    if due_in_s is None:
        return LOOK_S
    return min(due_in_s, LOOK_S) if due_in_s > 0 else TAKEN_PAUSE_S


class WorkTail:
    """One LISTEN per process: sets the wake of each work that is written into the database, by
    whichever process. `url` is a direct DSN: a transaction pooler drops LISTEN.
    """

    def __init__(self, url: str, wakes: Mapping[str, Wake]) -> None:
        self._url, self._wakes = url, wakes

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; then all are woken once more, to see it too."""
        while not stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    # Work may have been written before this connection listened.
                    self._wake_all()
                    while not stop.is_set():
                        for said in connection.notifies(timeout=LISTEN_S, stop_after=1):
                            if wake := self._wakes.get(said.payload):
                                wake.set()
            except psycopg.Error as error:
                log.warning("nobody tells of work: %s", error)
                stop.wait(RECONNECT_S)
        self._wake_all()

    def _wake_all(self) -> None:
        for wake in self._wakes.values():
            wake.set()
