"""A part ends when its supervisor does, however that ended.

On Linux the kernel sends SIGTERM already (see `engines/launch.py`). The pipe on standard input
works everywhere, and ends a part that does not heed the signal.
"""

from __future__ import annotations

import os
import signal
import threading

PATIENCE_S = 15.0


def end_with_supervisor() -> None:
    """Watch standard input, whose other end only the supervisor holds."""
    threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Timer(PATIENCE_S, os._exit, [1]).start()
