"""Which processor core this process's Python runs on.

Python runs one thread at a time. On several cores each hand-over wakes another core, whose thread
then finds the lock taken: 32 threads that append made 5,900 commands a second, on one core 10,600
(docs/adr/0016).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)
_before: set[int] = set()


def keep_to(core: int | None) -> None:
    """This thread, and every one that it starts from now on, runs on `core`; None changes nothing.

    Only Linux can; elsewhere, and for a core that is not ours, nothing happens.
    """
    if core is None or not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        log.warning("core %d cannot be had, all are used: %s", core, error)
        return
    _before.update(allowed)


@contextmanager
def every_core() -> Iterator[None]:
    """Lends all cores to long work without Python's lock: it need not wait for our own core."""
    if not _before:
        yield
        return
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
