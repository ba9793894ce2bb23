"""Runs that are too long for every change: torture, simulated schedules, fuzzing, benchmarks."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time

from runtime.installation import ROOT
from tests.fuzz.targets import TARGETS

TORTURE_ROUNDS, SCHEDULES, FUZZ_S, EXAMPLES = 200, 100_000, 300, 1_000
# The others take minutes even when they are quick: they analyse audio, fill a vault, open a browser
# on a slow line, or wait until a whole installation has settled.
QUICKLY = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")


def run_long(environment: dict[str, str]) -> int:
    """Runs one after another and goes on after a failure. Returns an exit code."""
    seed = str(int(time.time()))
    python = [sys.executable, "-m"]
    runs = [
        [*python, "tests.unit.simulator", "--schedules", str(SCHEDULES), "--seed", seed],
        [*python, "runtime", "bench", *QUICKLY, "--quick"],
        [*python, "pytest", "-q", "-n0", "tests/integration/sagas/test_any_row.py"],
        *([*python, "tests.fuzz", target, "--seconds", str(FUZZ_S)] for target in TARGETS),
        [*python, "runtime", "torture", "--rounds", str(TORTURE_ROUNDS), "--seed", seed],
    ]
    environment = {**environment, "NOCULTURE_EXAMPLES": str(EXAMPLES)}
    failed = 0
    for command in runs:
        print(f"\n$ {shlex.join(command)}", flush=True)
        code = subprocess.run(command, cwd=ROOT, env=environment).returncode
        if code != 0:
            failed += 1
            print(f"ended with {code}: {shlex.join(command)}", flush=True)
    print(f"{len(runs) - failed} passed, {failed} failed", flush=True)
    return int(failed > 0)
