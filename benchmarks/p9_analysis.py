"""P9: what one analysis costs, against the budget of the roadmap and against librosa.

Seconds are of processor time in the analysing child, which has one thread: wall time on a core that
is its own. The track is composed here.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import psutil

from benchmarks.result import Result
from benchmarks.rig import Rig
from gateways.audio.sandbox import ANALYSE_LIMITS, Hearing, Sandbox, one_thread
from runtime.demo_music import SAMPLE_RATE_HZ, TrackSpec, compose
from runtime.installation import ROOT

TRACK_S, QUICK_TRACK_S = 180.0, 12.0
ROUNDS = 3
ALL_BUDGET_S, PLAIN_BUDGET_S, MEMORY_BUDGET_MB = 14.0, 5.0, 700.0
LIBROSA_GOAL = 3.0


def measure(rig: Rig) -> list[Result]:
    track = _track(rig.folder / "p9.wav", QUICK_TRACK_S if rig.quick else TRACK_S)
    rounds = 1 if rig.quick else ROUNDS
    rig.say("P9 analyses one track with and without networks, in turns")
    cost = {True: _Child(models=True), False: _Child(models=False)}
    try:
        for _ in range(rounds):
            for child in cost.values():
                child.analyse(track)
    finally:
        for child in cost.values():
            child.close()
    return [
        _within("everything", cost[True].seconds, ALL_BUDGET_S, "s of one core", track),
        _within("without networks", cost[False].seconds, PLAIN_BUDGET_S, "s of one core", track),
        _within("everything, memory", cost[True].peaks_mb, MEMORY_BUDGET_MB, "MB at most", track),
        _against_librosa(track, rounds),
    ]


class _Child:
    """One warm analysing child, as the product starts it."""

    def __init__(self, *, models: bool) -> None:
        self._child = Sandbox("analyse", ANALYSE_LIMITS, Hearing(models=models))
        self._process = psutil.Process(self._child.pid)
        self.seconds: list[float] = []
        self.peaks_mb: list[float] = []

    def analyse(self, track: Path) -> None:
        before = self._process.cpu_times()
        self._child.run(track)
        after = self._process.cpu_times()
        self.seconds.append(after.user + after.system - before.user - before.system)
        self.peaks_mb.append(_peak_mb(self._process))

    def close(self) -> None:
        self._child.close()


def _peak_mb(process: psutil.Process) -> float:
    """The most that was ever resident, as the kernel counts it; elsewhere what is resident now."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return float(process.memory_info().rss) / 1e6
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def _within(title: str, values: list[float], budget: float, unit: str, track: Path) -> Result:
    value = statistics.median(values)
    return Result(
        name="P9",
        title=f"Analysis of a track of {_length_s(track):.0f} s: {title}",
        ours=value,
        peer="the budget",
        theirs=budget,
        ratio=value / budget,
        goal=1.0,
        unit=unit,
        at_most=True,
        details={"rounds": [round(one, 2) for one in values]},
    )


def _against_librosa(track: Path, rounds: int) -> Result:
    """`ours` is the default; the details say what the same features cost where the setting
    `analyser` has essentia asked for the octave of the tempo."""
    environment = {**os.environ, **one_thread(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.p9_features", str(track), str(rounds)],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env=environment,
    )
    found: dict[str, list[dict[str, float]]] = json.loads(done.stdout)
    totals = {name: _median_total(runs) for name, runs in found.items()}
    return Result(
        name="P9",
        title="Tempo, beats, onsets, centroid, tuning, chroma, key, sections",
        ours=_length_s(track) / totals["ours"],
        peer="librosa",
        theirs=_length_s(track) / totals["librosa"],
        ratio=totals["librosa"] / totals["ours"],
        goal=LIBROSA_GOAL,
        unit="s of music/s",
        details={
            "seconds": {name: round(total, 3) for name, total in totals.items()},
            "with_essentia_ratio": round(totals["librosa"] / totals["with essentia"], 2),
            "by_feature_s": {
                name: {key: round(value, 3) for key, value in runs[-1].items()}
                for name, runs in found.items()
            },
        },
    )


def _median_total(runs: list[dict[str, float]]) -> float:
    return statistics.median(sum(run.values()) for run in runs)


def _length_s(track: Path) -> float:
    with wave.open(str(track)) as file:
        return file.getnframes() / file.getframerate()


def _track(path: Path, duration_s: float) -> Path:
    spec = TrackSpec("t", "a", "l", "House", "house", 124.0, "C minor", duration_s=duration_s)
    samples = compose(spec)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path
