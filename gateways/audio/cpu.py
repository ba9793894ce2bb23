"""A bound on what one parser may cost, within the bound on the whole job."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within_cpu(most_s: float) -> Iterator[None]:
    """Raises TimeoutError in whatever takes longer. Signals reach a main thread only: the child's.

    mutagen copies the rest of a tag for each of its frames: 100,000 of them took over a minute.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: object) -> None:
        raise TimeoutError("the tags take too long")

    before = signal.signal(signal.SIGVTALRM, late)
    # Again and again: what is raised within a destructor is lost, and a parser went on for 72 s.
    signal.setitimer(signal.ITIMER_VIRTUAL, most_s, most_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
