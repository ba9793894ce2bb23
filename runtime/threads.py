"""One process's long-running work: a thread each, a heartbeat, and one way to stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType

from runtime.heartbeat import Heartbeat
from schemas.telling import safely

log = logging.getLogger(__name__)
BEAT_S = 1.0
# The supervisor, and whoever waits for it, is told at once when a start is over.
STARTING_BEAT_S = 0.1
# For all threads together. What does not end in it is cut off: work is leased, batches roll back.
STOP_PATIENCE_S = 5.0

Work = Callable[[threading.Event], None]
Report = Callable[[], tuple[str, int | None, str | None]]


def run_until_stopped(work: Mapping[str, Work], heartbeat: Heartbeat, report: Report) -> None:
    """Run every piece of work until SIGTERM or SIGINT.

    `report` gives (state, lag, detail) for the heartbeat. A piece that ends by itself or raises
    ends the process with status 1: the supervisor restarts it with back-off.
    """
    stop, failed = threading.Event(), threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)

    def guarded(name: str, run: Work) -> None:
        try:
            run(stop)
        except Exception:
            log.exception("%s stopped", name)
            failed.set()
        else:
            if not stop.is_set():
                log.error("%s ended by itself", name)
                failed.set()
        finally:
            stop.set()

    threads = [
        threading.Thread(target=guarded, args=(name, run), name=name, daemon=True)
        for name, run in work.items()
    ]
    for thread in threads:
        thread.start()
    while not stop.is_set():
        try:
            state, lag, detail = report()
        except Exception as error:
            # The database may be away for a moment; the work itself retries.
            state, lag, detail = "running", None, safely(error)[:200]
        heartbeat.beat(state, lag, detail)
        stop.wait(STARTING_BEAT_S if state == "starting" else BEAT_S)
    deadline = time.monotonic() + STOP_PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if failed.is_set():
        raise SystemExit(1)
