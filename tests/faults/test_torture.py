"""Kill anything, lose nothing: some rounds of `./noculture torture`; `test long` runs 200."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from runtime.installation import ROOT
from tests.installation import eventually

ROUNDS = 3
SEED = 20
PATIENCE_S = 580


def torture(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runtime", "torture", "--json", *options],
        cwd=ROOT,
        env={
            # Networks that nothing here looks at: 5 s of start and work a track.
            "NOCULTURE_ANALYSIS_MODELS": "off",
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(folder),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def answer(child: subprocess.Popen[str], code: int) -> dict[str, Any]:
    out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == code, out[-3_000:] + err[-3_000:]
    found: dict[str, Any] = json.loads(out)
    return found


def left_in(folder: Path) -> list[str]:
    """Processes that still work there."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.cwd() + " ".join(process.cmdline()):
                found.append(f"{process.pid} {process.name()}")
        except psutil.Error:
            continue
    return found


@pytest.mark.timeout(PATIENCE_S + 20)
def test_whatever_is_killed_every_acknowledged_command_is_there_once(tmp_path: Path):
    report = answer(torture(tmp_path, "--rounds", str(ROUNDS), "--seed", str(SEED)), 0)
    assert report["ok"], report["problems"]
    assert report["rounds"] == ROUNDS
    assert sum(report["kills"].values()) >= ROUNDS / 2
    assert report["acked"] > 2 * ROUNDS
    assert (report["lost"], report["duplicated"]) == (0, 0)
    assert report["rebuild_identical"]
    assert list(tmp_path.iterdir()) == [], "its folder is deleted"
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_stops_what_it_started(tmp_path: Path, number: signal.Signals):
    child = torture(tmp_path, "--rounds", "50", "--event-log", "postgres")
    try:
        eventually(lambda: bool(list(tmp_path.glob("*/data/run/engines.json"))), "a start")
        child.send_signal(number)
        child.communicate(timeout=90)
    finally:
        child.kill()
    assert child.returncode not in (0, None)
    assert list(tmp_path.iterdir()) == [], "its folder is deleted"
    assert left_in(tmp_path) == []
