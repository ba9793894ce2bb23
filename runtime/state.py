"""State of what runs here: written by the supervisor, read by `status`, `down`, a second `up`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from runtime.folder_lock import FolderLock

STATE_FILE = "state.json"
# What ran so long did not fail at its start: with a minute, a part that somebody ended now and then
# was left down for half a minute each time.
STEADY_AFTER_S = 10.0
LOCK_FILE = "supervisor.lock"


@dataclass
class PartState:
    """One line of `status`. `started` is the process's start time, for telling a reused pid;
    `failures` counts its ends in a row, each soon after its start, `unanswered` the looks in a row
    that it did not answer.
    """

    name: str
    pid: int | None = None
    state: str = "waiting"
    lag: int | None = None
    detail: str | None = None
    started: float | None = None
    failures: int = 0
    unanswered: int = 0


@dataclass
class DoubleState:
    """One double of an outside service: `asleep` until somebody connects to its port."""

    name: str
    port: int
    pid: int | None = None
    state: str = "asleep"
    detail: str | None = None
    started: float | None = None


@dataclass
class Failure:
    """Why a start was given up."""

    code: str
    message: str
    exit_code: int


@dataclass
class RunState:
    """Everything `status` says, but for lag and head, which are asked for when it is read."""

    pid: int
    version: str
    data: str
    web: str
    event_log: str
    ready: bool = False
    database_url: str | None = None
    kafka_bootstrap: str | None = None
    notes: list[str] = field(default_factory=list)
    parts: list[PartState] = field(default_factory=list)
    doubles: list[DoubleState] = field(default_factory=list)
    error: Failure | None = None

    def write(self, run_dir: Path) -> None:
        """Replace the file whole; it holds a password, so nobody else may read it."""
        write_private(run_dir / STATE_FILE, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, run_dir: Path) -> RunState | None:
        """The last state written, whether or not its supervisor still lives."""
        try:
            raw: dict[str, Any] = json.loads((run_dir / STATE_FILE).read_text())
        except (OSError, ValueError):
            return None
        raw["parts"] = [PartState(**part) for part in raw["parts"]]
        raw["doubles"] = [DoubleState(**double) for double in raw.get("doubles", [])]
        raw["error"] = Failure(**raw["error"]) if raw["error"] else None
        return cls(**raw)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see the old or the new one, whole."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def supervisor_lock(run_dir: Path) -> FolderLock:
    """Held by the supervisor for its whole life; the kernel frees it however that ends."""
    return FolderLock(run_dir / LOCK_FILE)


def is_running(run_dir: Path) -> bool:
    """True if a supervisor lives for this installation."""
    return supervisor_lock(run_dir).is_held()
