"""P14: an installation with 60 consumers on 60 topics that only stands there: processor and memory
of all its processes, and how long its starts take. Beside it the product with its own consumers.

One after the other: processes of the same program share memory, and two would seem smaller.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.result import Result
from benchmarks.rig import Rig
from benchmarks.specimens import CONSUMERS, OWN, TOPICS
from runtime.installation import PREFIX, ROOT
from runtime.state import RunState

# Compilers, first elections and the caches of the first minute are no part of standing there.
SETTLE_S, MEASURE_S = 60.0, 120.0
QUICK_SETTLE_S, QUICK_MEASURE_S = 1.0, 2.0
GOAL_PERCENT, GOAL_MB, GOAL_FIRST_S, GOAL_WARM_S = 12.0, 1_600.0, 45.0, 8.0
PATIENCE_S, LOOK_S = 300.0, 0.05
PRODUCT = ("runtime",)
CROWD = ("benchmarks.crowd", "quiet")


@dataclass(frozen=True)
class Stood:
    """Figures of one installation, by part where there are several."""

    first_start_s: float
    warm_start_s: float
    started_s: dict[str, float]
    percent: dict[str, float]
    megabytes: dict[str, float]


def measure(rig: Rig) -> list[Result]:
    settle_s, measure_s = (QUICK_SETTLE_S, QUICK_MEASURE_S) if rig.quick else (SETTLE_S, MEASURE_S)
    found = {}
    for program in (CROWD, PRODUCT):
        rig.say(f"P14 {program[0]}: two starts, {settle_s:.0f} s to settle, {measure_s:.0f} s")
        folder = rig.folder / f"p14-{program[0].replace('.', '-')}"
        found[program] = _stand(program, folder, settle_s, measure_s)
    about = {"settled_s": settle_s, "measured_s": measure_s}
    return [
        *_results(f"{CONSUMERS} consumers on {TOPICS} topics", found[CROWD], about),
        *_results(f"the product's own {OWN} consumers", found[PRODUCT], about),
    ]


def _stand(program: tuple[str, ...], data: Path, settle_s: float, measure_s: float) -> Stood:
    with _up(program, data) as first_start_s:
        started_s = processor_s(data)
    with _up(program, data) as warm_start_s:
        time.sleep(settle_s)
        before, began = processor_s(data), time.monotonic()
        time.sleep(measure_s)
        after, took_s = processor_s(data), time.monotonic() - began
        megabytes = {name: _megabytes(each) for name, each in _parts(data).items()}
    percent = {name: (after[name] - before[name]) / took_s * 100 for name in after}
    return Stood(first_start_s, warm_start_s, started_s, percent, megabytes)


def _results(who: str, stood: Stood, about: dict[str, float]) -> list[Result]:
    percent, megabytes = sum(stood.percent.values()), sum(stood.megabytes.values())
    figures: tuple[tuple[str, float, float, str, dict[str, float]], ...] = (
        ("processor", percent, GOAL_PERCENT, "% of one core", stood.percent),
        ("memory (PSS)", megabytes, GOAL_MB, "MB", stood.megabytes),
        ("first start", stood.first_start_s, GOAL_FIRST_S, "s", stood.started_s),
        ("warm start", stood.warm_start_s, GOAL_WARM_S, "s", {}),
    )
    return [
        Result(
            "P14",
            f"An installation that only stands there, {who}: {what}",
            ours,
            "the budget",
            goal,
            ours / goal,
            1.0,
            unit,
            at_most=True,
            details=about | {"by_part": {name: round(each, 2) for name, each in parts.items()}},
        )
        for what, ours, goal, unit, parts in figures
    ]


@contextmanager
def _up(program: tuple[str, ...], data: Path) -> Iterator[float]:
    """Stands from when it is ready, after so many seconds, to the end of the block."""
    data.mkdir(parents=True, exist_ok=True)
    # The defaults: the one setting that is kept is the shared cache.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) or name == f"{PREFIX}CACHE_DIR"
    }
    began = time.monotonic()
    with (data.parent / f"{data.name}.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", *program, "up", "--data", str(data), "--port", "0"],
            cwd=ROOT,
            env=kept | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        while not _is_ready(data, child.pid):
            if child.poll() is not None or time.monotonic() - began > PATIENCE_S:
                raise RuntimeError(f"{data} was not ready in {time.monotonic() - began:.0f} s")
            time.sleep(LOOK_S)
        yield time.monotonic() - began
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE_S)


def _is_ready(data: Path, supervisor: int) -> bool:
    state = RunState.read(data / "run")
    return state is not None and state.pid == supervisor and state.ready


def processor_s(data: Path) -> dict[str, float]:
    """Processor seconds of each part since it started, with its children, living and ended."""
    return {
        name: sum(_used_s(each) for each in processes) for name, processes in _parts(data).items()
    }


def _parts(data: Path) -> dict[str, list[psutil.Process]]:
    """Living processes by part. The supervisor's living children are the parts; its ended ones made
    them ready.
    """
    state = RunState.read(data / "run")
    assert state is not None
    parts = {part.name: psutil.Process(part.pid) for part in state.parts if part.pid}
    return {"supervisor": [psutil.Process(state.pid)]} | {
        name: [process, *process.children(recursive=True)] for name, process in parts.items()
    }


def _used_s(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _megabytes(processes: list[psutil.Process]) -> float:
    """What is shared counts in parts, so that the sum is what they take together; where the system
    does not tell parts, only what is a process' own counts.
    """
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.uss)
    return total / 1e6
