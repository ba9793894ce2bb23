"""The pace of runners: one piece of work after the other, whatever one of them does.

A row that cannot be digested is its runner's business: it stays with its error and comes again ever
more slowly. What is met here is the weather, or a fault of ours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from processors.consumers.batch import is_passing
from processors.wake import Wake, pause_s
from schemas.telling import safely

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
# A fault of ours that lasts so long ends the process: readiness sees a part that ends again and
# again, and not a thread that only says so in its log.
MAX_FAULTS = 6


def longer_pause_s(failures: int, first_s: float, longest_s: float) -> float:
    """The pause after so many failures: doubled with each, up to the longest."""
    # A float holds 2^1023: commands that were refused for 17 hours went beyond.
    return min(first_s * 2.0 ** min(max(failures, 0), 64), longest_s)


def work_until(
    stop: threading.Event,
    name: str,
    due: Wake,
    work_one: Callable[[], bool],
    due_in_s: Callable[[], float | None],
) -> None:
    """Call `work_one` until `stop`; while it has nothing to do, sleep until something is due.

    Raises a fault that came MAX_FAULTS times without a success in between.
    """
    failures = faults = 0
    while not stop.is_set():
        seen = due.sets
        try:
            if not work_one():
                due.wait(seen, pause_s(due_in_s()))
            failures = faults = 0
        except Exception as error:
            log.warning("%s goes on after a pause: %s", name, safely(error))
            faults += not is_passing(error)
            if faults >= MAX_FAULTS:
                raise
            stop.wait(longer_pause_s(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S))
            failures += 1
