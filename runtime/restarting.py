"""Starting parts of a running installation again, one after another, as the supervisor does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from events.errors import NoCultureError
from runtime.state import RunState, is_running

PATIENCE_S = 60.0
LOOK_S = 0.1


class NotBack(NoCultureError):
    status, code = 503, "part-not-back"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was stopped to be started again and is not back after {PATIENCE_S:.0f} s:"
            " `status` says why"
        )


def restart_parts(run_dir: Path, names: Sequence[str]) -> list[str]:
    """Restarts those of `names` that run here, one after another. Raises NotBack."""
    restarted = []
    for name in names:
        if (pid := _pid(run_dir, name)) is None:
            continue
        # The supervisor starts what ended again; a part that is told to end finishes its requests.
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_S
        while _pid(run_dir, name, other_than=pid) is None:
            if time.monotonic() > deadline:
                raise NotBack(name)
            time.sleep(LOOK_S)
        restarted.append(name)
    return restarted


def _pid(run_dir: Path, name: str, other_than: int | None = None) -> int | None:
    """The pid of a part that runs; None if it does not, or still is `other_than`."""
    state = RunState.read(run_dir)
    if state is None or not is_running(run_dir):
        return None
    found = (part.pid for part in state.parts if part.name == name and part.state == "running")
    pid = next(found, None)
    return None if pid == other_than else pid
