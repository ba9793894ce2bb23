"""P14: an installation that only stands there, and what its start took; each by part."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.result import Result
from benchmarks.rig import Rig
from runtime.installation import PREFIX, ROOT
from runtime.state import RunState

# Compilers, first elections and the caches of the first minute are no part of standing there.
SETTLE_S, MEASURE_S = 60.0, 120.0
QUICK_SETTLE_S, QUICK_MEASURE_S = 1.0, 2.0
GOAL_PERCENT = 12.0
COMMAND_S = 300.0


def measure(rig: Rig) -> list[Result]:
    settle_s, measure_s = (QUICK_SETTLE_S, QUICK_MEASURE_S) if rig.quick else (SETTLE_S, MEASURE_S)
    data = rig.folder / "p14"
    _command("up", "--data", str(data), "--port", "0", "--detach")
    try:
        started = processor_s(data)
        rig.say(f"P14 settles for {settle_s:.0f} s, then looks for {measure_s:.0f} s")
        time.sleep(settle_s)
        before, began = processor_s(data), time.monotonic()
        time.sleep(measure_s)
        after, took_s = processor_s(data), time.monotonic() - began
    finally:
        _command("down", "--data", str(data))
    shares = {name: (after[name] - before[name]) / took_s * 100 for name in after}
    percent = sum(shares.values())
    return [
        Result(
            "P14",
            "An installation that only stands there",
            percent,
            "the budget",
            GOAL_PERCENT,
            percent / GOAL_PERCENT,
            1.0,
            "% of one core",
            at_most=True,
            details={
                "percent_by_part": {name: round(share, 2) for name, share in shares.items()},
                "fresh_up_processor_s_by_part": {n: round(s, 2) for n, s in started.items()},
                "fresh_up_processor_s": round(sum(started.values()), 2),
                "settled_s": settle_s,
                "measured_s": measure_s,
            },
        )
    ]


def processor_s(data: Path) -> dict[str, float]:
    """Processor seconds of each part since it started, with its children, living and ended."""
    state = RunState.read(data / "run")
    assert state is not None
    parts = {part.name: part.pid for part in state.parts if part.pid}
    # The supervisor's living children are the parts; its ended ones made them ready.
    return {"supervisor": _used_s(psutil.Process(state.pid))} | {
        name: _with_children_s(psutil.Process(pid)) for name, pid in parts.items()
    }


def _with_children_s(process: psutil.Process) -> float:
    used_s = _used_s(process)
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used_s += _used_s(child)
    return used_s


def _used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _command(*arguments: str) -> None:
    """Runs a command with the defaults: the one setting it keeps is the shared cache."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) or name == f"{PREFIX}CACHE_DIR"
    }
    subprocess.run(
        [sys.executable, "-m", "runtime", *arguments],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=COMMAND_S,
    )
