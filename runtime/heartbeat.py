"""A part says once a second that it lives; the supervisor and `status` read it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.settings import Settings

FRESH_S = 10.0


class Heartbeat:
    """Writes `<data>/run/<name>.json`; each beat replaces the last one whole."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._file = settings.run_dir / f"{name}.json"
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def beat(
        self, state: str = "running", lag: int | None = None, detail: str | None = None
    ) -> None:
        """`lag` in events behind the store's head; `detail` for a person."""
        beat = {"pid": os.getpid(), "state": state, "lag": lag, "detail": detail, "at": time.time()}
        unfinished = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        unfinished.write_text(json.dumps(beat))
        unfinished.replace(self._file)


def read_heartbeat(run_dir: Path, name: str) -> dict[str, Any] | None:
    """The last beat, or None."""
    try:
        beat: dict[str, Any] = json.loads((run_dir / f"{name}.json").read_text())
        return beat
    except (OSError, ValueError):
        return None


def is_fresh(beat: dict[str, Any] | None, pid: int | None) -> bool:
    """True if the beat is that process's and not older than ten seconds."""
    return bool(beat) and beat["pid"] == pid and time.time() - beat["at"] < FRESH_S  # type: ignore[index]
