"""librosa's compiled code on disk, which numba lets processes share.

Once, after processes had compiled at the same time and some of them were killed, it ended every
child with a segmentation fault, for good.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateways.audio.errors import AnalyserCrashed
from gateways.audio.sandbox import START_WITHIN_S, Sandbox

log = logging.getLogger(__name__)
LOCK = "lock"
LOOK_EVERY_S = 0.05
_BROKEN_CODE = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT}


def start_with(cache: Path, start: Callable[[], Sandbox]) -> Sandbox:
    """`start()` alone among all processes that share `cache`. A child that broken code ends is
    started once more, with an empty cache. Raises what `start` raises.
    """
    with _alone(cache):
        try:
            return start()
        except AnalyserCrashed as crash:
            if crash.exit_status not in _BROKEN_CODE or not _clear(cache):
                raise
            log.warning("the analyser ended at its start (%s): compiling again", crash)
            return start()


def _clear(cache: Path) -> bool:
    """False if there was nothing in it."""
    folders = [each for each in cache.iterdir() if each.is_dir()]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return bool(folders)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Whoever holds the lock for longer than a start may take stands still: then without it."""
    deadline = time.monotonic() + START_WITHIN_S
    with (cache / LOCK).open("ab") as lock:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOOK_EVERY_S)
        yield
