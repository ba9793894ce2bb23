"""A wake-up between threads of one process.

Whoever waits also polls, so a lost one costs a moment only.
"""

from __future__ import annotations

import threading


class Wake:
    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def wait(self, timeout_s: float) -> None:
        """Until `set` or the timeout, whichever comes first."""
        self._event.wait(timeout_s)
        self._event.clear()
