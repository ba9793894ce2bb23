"""What killed processes left behind goes; what is still arriving stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from commands.staging import ABANDONED_AFTER_S, Staging


def put(folder: Path, name: str, age_s: float) -> Path:
    path = folder / name
    path.write_bytes(b"half a song")
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def test_only_what_was_abandoned_a_day_ago_is_deleted(tmp_path: Path):
    old, new = ABANDONED_AFTER_S + 60, ABANDONED_AFTER_S - 60
    gone = [put(tmp_path, f"{kind}-1", old) for kind in ("receiving", "arriving", "copy")]
    kept = [
        put(tmp_path, "receiving-2", new),
        put(tmp_path, "upl_01a203d128467680b82a0bd8c5a9eb16", old),
    ]
    assert Staging(tmp_path, 1).forget_abandoned() == len(gone)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in kept)
