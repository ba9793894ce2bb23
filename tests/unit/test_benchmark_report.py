"""A run of some parts of the benchmark takes their place in the last whole one."""

from __future__ import annotations

from typing import Any

from benchmarks.report import hardware, merged

MACHINE = {
    **{"cores": 2, "cpu": "some", "memory_gib": 4, "system": "Linux", "python": "3.11", "seed": 20},
    "postgres": {"fsync": "on"},
}


def run(load: float, **figures: float) -> dict[str, Any]:
    return {
        "hardware": {**MACHINE, "load_1min_at_start": load},
        "results": [{"name": name, "ours": ours} for name, ours in figures.items()],
    }


def figures(of: dict[str, Any]) -> dict[str, float]:
    return {result["name"]: result["ours"] for result in of["results"]}


def test_parts_that_were_measured_again_replace_theirs_and_stand_in_order():
    found = merged(run(0.3, P1=1, P9=2), run(0.7, P10=5, P9=3))
    assert list(figures(found).items()) == [("P1", 1), ("P9", 3), ("P10", 5)]


def test_each_part_says_the_load_it_was_measured_at():
    found = merged(merged(run(0.3, P1=1), run(0.7, P9=3)), run(0.5, P10=4))
    said = hardware(found)
    assert "load 0.3 at the start" in said
    assert "P9 in a run of its own, load 0.7." in said
    assert "P10 in a run of its own, load 0.5." in said


def test_a_whole_run_leaves_nothing_of_the_one_before():
    assert merged(run(0.3, P1=1, P9=2), run(0.7, P1=5, P9=3)) == run(0.7, P1=5, P9=3)
