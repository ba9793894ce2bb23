"""Golden events never change: `golden.lock` holds each one's SHA-256 from the day it was made.

A golden file stands for events in somebody's log. Whoever edits, renames or removes one has to
edit the lock as well, where a reviewer sees it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
LOCK = Path(__file__).parent / "golden.lock"


def locked(lock: Path = LOCK) -> dict[str, str]:
    """File name → SHA-256, hex."""
    lines = lock.read_text("utf-8").splitlines() if lock.exists() else []
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def lock_new(folder: Path = FOLDER, lock: Path = LOCK) -> list[str]:
    """Lock the files that are not locked yet and answer their names; others stay as they are."""
    known = locked(lock)
    new = [path for path in sorted(folder.glob("*.json")) if path.name not in known]
    known |= {path.name: _digest(path) for path in new}
    lock.write_text("".join(f"{known[name]}  {name}\n" for name in sorted(known)), "utf-8")
    return [path.name for path in new]


def problems(event_versions: set[str], folder: Path = FOLDER, lock: Path = LOCK) -> list[str]:
    """Lists what is wrong with golden files of these `<type>.v<version>`; empty if nothing is."""
    known, there = locked(lock), {path.name for path in folder.glob("*.json")}
    wanted = {f"{version}.json" for version in event_versions}
    return (
        [
            f"{name} is missing: it was stored once, bring it back"
            for name in sorted(known.keys() - there)
        ]
        + [
            f"{name} was edited: it is not the one that was stored"
            for name in sorted(known.keys() & there)
            if _digest(folder / name) != known[name]
        ]
        + [
            f"{name} is not in golden.lock: run python -m tests.golden"
            for name in sorted(there - known.keys())
        ]
        + [
            f"{name} has no golden file: run python -m tests.golden"
            for name in sorted(wanted - there)
        ]
        + [
            f"{name} has no event model: versions once stored stay readable"
            for name in sorted(known.keys() - wanted)
        ]
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
