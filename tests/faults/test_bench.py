"""`./noculture bench` runs and answers as the contract says; what it measures here says nothing.

`./noculture test long` takes every path of every benchmark: that is a minute of processor time.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest

from benchmarks.catalogue import MODULES
from benchmarks.specimens import CONSUMERS, OWN, folds, troubled
from projections.projection import Projection
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


# Of the store alone, and quick.
QUICK = {"P1", "P2", "P4", "P7"}


def test_benchmarks_run_and_answer_in_the_shape_of_the_contract():
    done = bench(*sorted(QUICK), "--quick", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["hardware"]["postgres"]["fsync"] == "on"
    assert {result["name"] for result in run["results"]} == QUICK
    for result in run["results"]:
        assert result["ours"] > 0
        assert result["theirs"] > 0
        assert result["met"] == (
            result["ratio"] <= result["goal"]
            if result["at_most"]
            else result["ratio"] >= result["goal"]
        )


@pytest.mark.parametrize("name", sorted(set(MODULES) - QUICK))
def test_a_long_benchmark_can_be_called(name):
    assert callable(importlib.import_module(MODULES[name]).measure)


def test_specimens_make_sixty_consumers_and_are_in_no_list_of_the_product():
    registered = dict(Projection.registered)
    made = [*folds(), *troubled()]
    names = {consumer.name for consumer in made}
    assert len(made) - 3 + OWN == CONSUMERS
    assert len(names) == len(made)
    assert Projection.registered == registered
    assert not names & registered.keys()
    tables = {consumer.projection.table_sql for consumer in made}
    assert len(tables) == len(made)
    assert not any(".vault" in table for table in tables)


def test_a_benchmark_that_does_not_exist_is_refused_with_those_that_do():
    done = bench("P99")
    assert done.returncode == 2
    assert "P99" in done.stderr
    assert "P1, P2" in done.stderr
