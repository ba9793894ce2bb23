"""`./noculture bench` takes every path of every benchmark; what it measures here says nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from benchmarks.catalogue import MODULES
from runtime.installation import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runtime", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_every_benchmark_runs_and_answers_in_the_shape_of_the_contract():
    done = bench("--quick", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["hardware"]["postgres"]["fsync"] == "on"
    assert {result["name"] for result in run["results"]} == set(MODULES)
    for result in run["results"]:
        assert result["ours"] > 0
        assert result["theirs"] > 0
        assert result["met"] == (
            result["ratio"] <= result["goal"]
            if result["at_most"]
            else result["ratio"] >= result["goal"]
        )


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do():
    done = bench("P99")
    assert done.returncode == 2
    assert "P99" in done.stderr
    assert "P1, P2" in done.stderr
